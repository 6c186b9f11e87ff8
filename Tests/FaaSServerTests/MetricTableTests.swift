import Foundation
import TestSupport
import Testing

@testable import ControlPlane
@testable import Telemetry

/// The table of metrics, and the files that repeat it.
@Suite struct MetricTableTests {
    private func text(_ path: String) throws -> String {
        try String(contentsOf: Binaries.repository.appendingPathComponent(path), encoding: .utf8)
    }

    /// As docs/metrics.md has it.
    private var table: [String] {
        Metric.all.map { metric in
            let labels = metric.labels.isEmpty ? "" : metric.labels.map { "`\($0)`" }.joined(separator: ", ")
            return "| `\(metric.name)` | \(metric.kind.rawValue) | \(labels) | \(metric.help) |"
        }
    }

    @Test func `The document has every metric, and no other`() throws {
        if let path = ProcessInfo.processInfo.environment["FAAS_METRICS_TABLE"] {
            try (table.joined(separator: "\n") + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        }
        let rows = try text("docs/metrics.md").split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix("| `faas_") || $0.hasPrefix("| `process_") }
        #expect(rows == table)
    }

    @Test func `The document has every value of the labels`() throws {
        let document = try text("docs/metrics.md")
        let values =
            InvocationMetrics.Outcome.allCases.map(\.rawValue) + InvocationMetrics.Refusal.allCases.map(\.rawValue)
            + WorkerEnd.Reason.allCases.map(\.rawValue) + WorkerEnd.Retirement.allCases.map(\.rawValue)
        for value in values { #expect(document.contains("`\(value)`"), "\(value)") }
    }

    @Test func `Names are valid, unique, and end as their kind demands`() {
        #expect(Set(Metric.all.map(\.name)).count == Metric.all.count)
        for metric in Metric.all {
            #expect(metric.name.wholeMatch(of: /[a-z][a-z_]*[a-z]/) != nil)
            #expect(metric.name.hasSuffix("_total") == (metric.kind == .counter), "\(metric.name)")
            #expect(metric.help.hasSuffix("."))
        }
    }

    @Test func `The dashboard asks only for metrics and labels that there are`() throws {
        let dashboard = try text("Deploy/grafana-dashboard.json")
        _ = try JSONSerialization.jsonObject(with: Data(dashboard.utf8))
        let names = dashboard.matches(of: /\b(faas|process)_[a-z_]+/).map { String($0.0) }
        #expect(names.count > 10)
        for name in names {
            let isKnown = Metric.all.contains { metric in
                metric.kind == .histogram
                    ? ["_bucket", "_sum", "_count"].contains { metric.name + $0 == name } : metric.name == name
            }
            #expect(isKnown, "\(name)")
        }
        let labels = Set(Metric.all.flatMap(\.labels) + ["le"])
        for match in dashboard.matches(of: /by \(([a-z, ]+)\)/) {
            for label in match.1.split(separator: ",") {
                #expect(labels.contains(label.trimmingCharacters(in: .whitespaces)), "\(label)")
            }
        }
    }

    @Test func `Histograms and labels have Prometheus' form`() {
        var counters = [UInt64](repeating: 0, count: Histogram.places)
        for nanos: Int64 in [1, 100_000, 100_001, 2_000_000_000, 60_000_000_000] {
            Histogram.add(nanos, to: &counters, at: 0)
        }
        var text = PrometheusText()
        text.add(.handler, [(["a\"b\\c\nd"], Histogram(counters[...]))])
        let lines = String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
        let label = #"function="a\"b\\c\nd""#
        #expect(
            lines[0].hasPrefix("# HELP faas_handler_seconds ") && lines[1] == "# TYPE faas_handler_seconds histogram")
        #expect(lines[2] == "faas_handler_seconds_bucket{\(label),le=\"0.0001\"} 2")
        #expect(lines[3] == "faas_handler_seconds_bucket{\(label),le=\"0.00025\"} 3")
        #expect(lines.contains("faas_handler_seconds_bucket{\(label),le=\"2.5\"} 4"))
        #expect(lines.contains("faas_handler_seconds_bucket{\(label),le=\"30\"} 4"))
        #expect(
            lines.suffix(3) == [
                "faas_handler_seconds_bucket{\(label),le=\"+Inf\"} 5",
                "faas_handler_seconds_sum{\(label)} 62.000200002", "faas_handler_seconds_count{\(label)} 5",
            ])
    }
}
