import FunctionModel
import Glibc
import SystemCalls

/// Reads stored records, the latest first, only as far as a query needs. It blocks: call it on a thread of a pool.
package struct RecordReader: Sendable {
    private let folder: RecordFolder

    package init(_ folder: RecordFolder) { self.folder = folder }

    /// The latest records that the query wants, oldest first. A line that cannot be read, such as the last one of a
    /// host that crashed, is left out.
    package func read<Record: StoredRecord>(
        _: Record.Type, _ kinds: [RecordFolder.Kind], of function: FunctionID, _ query: RecordQuery
    ) -> [Record] {
        var all: [Record] = []
        for kind in kinds { all += read(kind, of: function, query) }
        // Times of one file are nearly in order: calls end on several threads.
        all.sort { $0.time < $1.time }
        return all.suffix(query.limit)
    }

    private func read<Record: StoredRecord>(_ kind: RecordFolder.Kind, of function: FunctionID, _ query: RecordQuery)
        -> [Record]
    {
        var found: [Record] = []
        // A request's id is written as it is, because it has no characters that JSON escapes.
        let needle = query.requestID.map { Array($0.utf8) }
        let files = Files(folder, kind, function)
        defer { files.close() }
        for file in files.descriptors {
            var lines = BackwardLines(file)
            while let line = lines.next() {
                if let needle, !line.contains(needle) { continue }
                guard let json = try? JSONValue(json: line), let record = Record(json: json) else { continue }
                if let since = query.since, record.time < since.earlier(bySeconds: Self.disorderSeconds) {
                    return found
                }
                guard query.wants(record) else { continue }
                found.append(record)
                if found.count >= query.limit { return found }
            }
        }
        return found
    }

    /// How far a record may stand from where its time belongs.
    private static let disorderSeconds: Int64 = 60

    /// The open files of one kind, newest first. While they are opened a file may get the next number: opened in this
    /// order none is missed, and one that is met twice is used once.
    private struct Files {
        private(set) var descriptors: [Int32] = []

        init(_ folder: RecordFolder, _ kind: RecordFolder.Kind, _ function: FunctionID) {
            var known: Set<UInt64> = []
            for segment in 0..<RecordFolder.segments {
                let descriptor = open(folder.file(kind, of: function, segment: segment), O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { continue }
                var status = stat()
                if fstat(descriptor, &status) == 0, known.insert(UInt64(status.st_ino)).inserted {
                    descriptors.append(descriptor)
                } else {
                    Descriptors.close(descriptor)
                }
            }
        }

        func close() { for descriptor in descriptors { Descriptors.close(descriptor) } }
    }
}

/// The lines of a file from its end to its beginning.
struct BackwardLines {
    private let descriptor: Int32
    /// Everything from here on has been read.
    private var position: Int64
    /// What has been read and not been returned: the end of it has no line feed.
    private var rest: [UInt8] = []

    private static let block = 64 << 10
    /// A longer line is not one of ours.
    private static let longestLine = 1 << 20

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        var status = stat()
        position = fstat(descriptor, &status) == 0 ? Int64(status.st_size) : 0
    }

    mutating func next() -> [UInt8]? {
        while true {
            if let feed = rest.lastIndex(of: UInt8(ascii: "\n")) {
                let line = Array(rest[(feed + 1)...])
                rest.removeSubrange(feed...)
                if !line.isEmpty { return line }
            } else if position == 0 {
                guard !rest.isEmpty else { return nil }
                defer { rest = [] }
                return rest
            } else if rest.count > Self.longestLine {
                rest = []
                position = 0
            } else {
                readBlock()
            }
        }
    }

    private mutating func readBlock() {
        let count = Int(min(position, Int64(Self.block)))
        let start = position - Int64(count)
        var bytes = [UInt8](repeating: 0, count: count)
        let read = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, count, off_t(start)) }
        guard read == count else {
            position = 0
            return
        }
        position = start
        rest = bytes + rest
    }
}

extension [UInt8] {
    fileprivate func contains(_ needle: [UInt8]) -> Bool {
        guard let first = needle.first else { return true }
        return withUnsafeBytes { bytes in
            var rest = bytes[...]
            while let index = rest.firstIndex(of: first) {
                rest = rest[index...]
                if rest.starts(with: needle) { return true }
                rest = rest.dropFirst()
            }
            return false
        }
    }
}
