import FunctionModel
import Glibc
import SystemCalls

/// Follows the file of a function's lines: each ``poll()`` returns what has been added since the one before. For a
/// process that is not the one that writes.
///
/// A file that becomes number 1 stays open until its last line has been read. If the writer fills two files between two
/// polls, the lines of the second are missed.
package final class RecordTail<Record: StoredRecord> {
    private let path: String
    private var file: (descriptor: Int32, inode: UInt64)?
    /// The beginning of a line whose end has not been written.
    private var rest: [UInt8] = []
    private let query: RecordQuery

    /// - Parameter query: `since`, `until` and `limit` do not count.
    package init(_ folder: RecordFolder, _ kind: RecordFolder.Kind, of function: FunctionID, _ query: RecordQuery) {
        path = folder.file(kind, of: function)
        var query = query
        (query.since, query.until) = (nil, nil)
        self.query = query
        open()
        if let file { lseek(file.descriptor, 0, SEEK_END) }
    }

    deinit { if let file { Descriptors.close(file.descriptor) } }

    private func open() {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { return Descriptors.close(descriptor) }
        file = (descriptor, UInt64(status.st_ino))
    }

    package func poll() -> [Record] {
        var records: [Record] = []
        if file == nil { open() }
        while let current = file {
            readAll(current.descriptor, &records)
            var status = stat()
            guard stat(path, &status) == 0, UInt64(status.st_ino) != current.inode else { break }
            // What was written before it got its number.
            readAll(current.descriptor, &records)
            Descriptors.close(current.descriptor)
            file = nil
            rest = []
            open()
        }
        return records
    }

    private func readAll(_ descriptor: Int32, _ records: inout [Record]) {
        var block = [UInt8](repeating: 0, count: 64 << 10)
        while case let count = read(descriptor, &block, block.count), count > 0 {
            rest += block[..<count]
            while let feed = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(rest[..<feed])
                rest.removeSubrange(...feed)
                guard let json = try? JSONValue(json: line), let record = Record(json: json), query.wants(record) else {
                    continue
                }
                records.append(record)
            }
        }
    }
}
