import FunctionModel
import Glibc

/// How the lines of the host's log are written.
public enum LogFormat: String, Sendable, CaseIterable {
    /// For people.
    case text
    /// One JSON object for each line: for programs that collect logs.
    case json

    /// Text if a terminal shows it, else JSON.
    public static func suited(to descriptor: Int32) -> LogFormat { isatty(descriptor) == 1 ? .text : .json }
}

/// The forms of a line in the host's log. As text: `time level label: key=value … [source] message`.
///
/// This is the one place where text becomes a log line, and so the one place that escapes it: a function, a client or a
/// file name can neither begin a new line nor change what a terminal shows.
public enum LogText {
    /// A whole line in UTF-8, with its line feed, in one of the two formats.
    public static func line(
        _ format: LogFormat, level: String, label: String, metadata: [(key: String, value: String)], source: String,
        message: String
    ) -> [UInt8] {
        switch format {
        case .text: line(level: level, label: label, metadata: metadata, source: source, message: message)
        case .json: jsonLine(level: level, label: label, metadata: metadata, source: source, message: message)
        }
    }

    /// `{"time":…,"level":…,"logger":…,"source":…,"message":…}`, then the metadata. A member's name that is taken is
    /// not written again.
    private static func jsonLine(
        level: String, label: String, metadata: [(key: String, value: String)], source: String, message: String
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(message.utf8.count + 256)
        line += #"{"time":""#.utf8
        Timestamp.now().append(to: &line)
        line += #"""#.utf8
        let own = [("level", level), ("logger", label), ("source", source), ("message", message)]
        let names: Set = ["time", "level", "logger", "source", "message"]
        for (key, value) in own + metadata.filter({ !names.contains($0.key) }) {
            line.append(UInt8(ascii: ","))
            JSONText.append(key, to: &line)
            line.append(UInt8(ascii: ":"))
            JSONText.append(value, to: &line)
        }
        line += "}\n".utf8
        return line
    }

    /// A whole line of text in UTF-8, with its line feed.
    public static func line(
        level: String, label: String, metadata: [(key: String, value: String)], source: String, message: String
    ) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(message.utf8.count + 160)
        appendTime(to: &line)
        line.append(UInt8(ascii: " "))
        line += level.utf8
        line.append(UInt8(ascii: " "))
        line += label.utf8
        line.append(UInt8(ascii: ":"))
        for (key, value) in metadata {
            line.append(UInt8(ascii: " "))
            appendEscaped(key, to: &line)
            line.append(UInt8(ascii: "="))
            appendEscaped(value, to: &line)
        }
        line += " [".utf8
        line += source.utf8
        line += "] ".utf8
        appendEscaped(message, to: &line)
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// The text with every character escaped that could begin a line, move the cursor, or reorder what is shown.
    public static func escaped(_ text: String) -> String {
        var bytes: [UInt8] = []
        appendEscaped(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func appendEscaped(_ text: String, to line: inout [UInt8]) {
        // Most text is plain ASCII and is copied as it is.
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f }) {
            line += text.utf8
            return
        }
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": line += "\\n".utf8
            case "\r": line += "\\r".utf8
            case "\t": line += "\\t".utf8
            case _ where isUnsafe(scalar): line += "\\u{\(String(scalar.value, radix: 16))}".utf8
            default: line += UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
            }
        }
    }

    private static func isUnsafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // C0, DEL and C1 controls: among them the escape character and the single-byte escape sequence.
        case 0..<0x20, 0x7f...0x9f: true
        // Line and paragraph separators.
        case 0x2028, 0x2029: true
        // Characters that change the direction of text.
        case 0x061c, 0x200e, 0x200f, 0x202a...0x202e, 0x2066...0x2069: true
        // Characters that are not shown.
        case 0x200b, 0x2060, 0xfeff, 0xfff9...0xfffb, 0xe0000...0xe007f: true
        default: false
        }
    }

    /// The local time, as swift-log's own handler writes it: `2026-11-28T23:00:00+0000`.
    private static func appendTime(to line: inout [UInt8]) {
        var (now, parts) = (time(nil), tm())
        localtime_r(&now, &parts)
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            guard let text = buffer.baseAddress else { return }
            let count = strftime(text, buffer.count, "%Y-%m-%dT%H:%M:%S%z", &parts)
            line += UnsafeRawBufferPointer(start: text, count: count)
        }
    }
}
