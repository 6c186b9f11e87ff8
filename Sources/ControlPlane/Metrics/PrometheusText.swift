import Telemetry

/// Writes metrics in Prometheus' text format, version 0.0.4. Only metrics of ``Metric/all`` can be written, each once,
/// with the labels that it has.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    typealias Sample<Value> = (labels: [String], value: Value)

    mutating func add(_ metric: Metric, _ value: UInt64) { add(metric, [([], value)]) }

    mutating func add(_ metric: Metric, seconds nanos: Int64) {
        addHead(metric)
        addSample(metric, "", [], [], Self.seconds(UInt64(clamping: nanos)))
    }

    mutating func add(_ metric: Metric, _ samples: [Sample<UInt64>]) {
        addHead(metric)
        for sample in samples { addSample(metric, "", metric.labels, sample.labels, String(sample.value)) }
    }

    mutating func add(_ metric: Metric, _ samples: [Sample<Histogram>]) {
        addHead(metric)
        for (labels, histogram) in samples {
            var sum: UInt64 = 0
            for (number, count) in histogram.counts.enumerated() {
                sum &+= count
                let end =
                    number < Histogram.bounds.count ? Self.seconds(UInt64(Histogram.bounds[number])) : "+Inf"
                addSample(metric, "_bucket", metric.labels + ["le"], labels + [end], String(sum))
            }
            addSample(metric, "_sum", metric.labels, labels, Self.seconds(histogram.sumNanos))
            addSample(metric, "_count", metric.labels, labels, String(sum))
        }
    }

    private mutating func addHead(_ metric: Metric) {
        bytes += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n".utf8
    }

    private mutating func addSample(
        _ metric: Metric, _ suffix: String, _ names: [String], _ labels: [String], _ value: String
    ) {
        bytes += metric.name.utf8
        bytes += suffix.utf8
        if !names.isEmpty {
            for (index, (name, label)) in zip(names, labels).enumerated() {
                bytes += (index == 0 ? "{" : ",").utf8
                bytes += name.utf8
                bytes += "=\"".utf8
                appendEscaped(label)
                bytes += "\"".utf8
            }
            bytes += "}".utf8
        }
        bytes += " ".utf8
        bytes += value.utf8
        bytes += "\n".utf8
    }

    private mutating func appendEscaped(_ label: String) {
        for byte in label.utf8 {
            switch byte {
            case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): bytes += "\\n".utf8
            default: bytes.append(byte)
            }
        }
    }

    /// Nanoseconds as seconds, without zeros at the end.
    static func seconds(_ nanos: UInt64) -> String {
        let fraction = nanos % 1_000_000_000
        guard fraction > 0 else { return String(nanos / 1_000_000_000) }
        var digits = String(fraction)
        digits = String(repeating: "0", count: 9 - digits.count) + digits
        while digits.last == "0" { digits.removeLast() }
        return "\(nanos / 1_000_000_000).\(digits)"
    }
}
