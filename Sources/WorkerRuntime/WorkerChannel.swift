import Glibc
import SystemCalls
import WorkerProtocol

/// A worker's only socket: receives frames from the host and sends frames to it. Blocking, and used by one thread.
public final class WorkerChannel {
    /// The descriptor of the socket, the same number in every worker.
    public static let descriptor: Int32 = 3

    /// The buffer grows to the longest event. Above this size it is replaced by a small one after the event.
    private static let keptCapacity = 1 << 20
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 << 10, alignment: 16)
    private var filled = 0

    /// What each frame of the host starts with, and what is left of it.
    private var fullLogAllowance = LogAllowance(bytes: 0)
    private var logAllowance = LogAllowance(bytes: 0)

    public init() {}

    deinit { buffer.deallocate() }

    /// Waits for the next frame and lends its payload to `body`. Returns false at the end of the stream. A zero byte
    /// follows the payload, for engines that take C strings.
    ///
    /// The host sends one frame and waits for the answer, so one `read` usually returns the whole frame and never more.
    func receive(_ body: (_ kind: UInt8, _ payload: UnsafeRawBufferPointer) throws -> Void) throws -> Bool {
        filled = 0
        while filled < Frame.headerLength {
            let count = try Descriptors.receive(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]), from: Self.descriptor)
            if count == 0 { return false }
            filled += count
        }
        let header = try Frame.Header(UnsafeRawBufferPointer(buffer))
        let total = Frame.headerLength + header.payloadLength
        guard filled <= total else { throw ProtocolError.trailingBytes(filled - total) }
        grow(to: total + 1)
        guard
            try Descriptors.readExactly(
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled..<total]), from: Self.descriptor)
        else { return false }
        buffer[total] = 0
        logAllowance = fullLogAllowance
        try body(header.kind, UnsafeRawBufferPointer(rebasing: buffer[Frame.headerLength..<total]))
        if buffer.count > Self.keptCapacity { replaceBuffer(byteCount: 64 << 10, keeping: 0) }
        return true
    }

    private func grow(to byteCount: Int) {
        if byteCount > buffer.count { replaceBuffer(byteCount: byteCount, keeping: filled) }
    }

    private func replaceBuffer(byteCount: Int, keeping kept: Int) {
        let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 16)
        larger.copyMemory(from: UnsafeRawBufferPointer(rebasing: buffer[..<kept]))
        buffer.deallocate()
        buffer = larger
    }

    /// Sends one frame. If the host has closed its end, this process ends.
    func send(_ kind: Frame.FromWorker, _ payload: UnsafeRawBufferPointer) {
        do {
            try withUnsafeTemporaryAllocation(byteCount: Frame.headerLength, alignment: 4) { header in
                Frame.Header(payloadLength: payload.count, kind: kind.rawValue).write(to: header)
                try Descriptors.writeAll(UnsafeRawBufferPointer(header), payload, to: Self.descriptor)
            }
        } catch {
            _exit(0)
        }
    }

    func send(_ kind: Frame.FromWorker, _ payload: [UInt8] = []) {
        payload.withUnsafeBytes { send(kind, $0) }
    }

    // MARK: What a language layer sends

    /// The handler's result, as JSON text in UTF-8.
    public func sendResult(_ json: UnsafeRawBufferPointer) {
        guard json.count <= Frame.maximumPayloadLength else {
            return sendFailure(
                Failure(
                    .resultNotSerializable,
                    message:
                        "The result is \(json.count) bytes of JSON; the limit is \(Frame.maximumPayloadLength) bytes."))
        }
        send(.result, json)
    }

    public func sendFailure(_ failure: Failure) {
        send(.failure, failure.cutToFit().encoded())
    }

    /// The whole frame that ``sendFailure(_:)`` sends, for a sender that cannot make one.
    public static func failureFrame(_ failure: Failure) -> [UInt8] {
        let payload = failure.cutToFit().encoded()
        var header = [UInt8](repeating: 0, count: Frame.headerLength)
        header.withUnsafeMutableBytes {
            Frame.Header(payloadLength: payload.count, kind: Frame.FromWorker.failure.rawValue).write(to: $0)
        }
        return header + payload
    }

    /// The modules that a call has imported. Names that cannot be sent are left out.
    /// - Parameter areComplete: whether no worker of this function should learn more.
    public func sendImports(_ names: [String], areComplete: Bool = false) {
        send(.imports, ModuleNames(keeping: names, areComplete: areComplete).encoded())
    }

    func sendLoadFailure(_ failure: Failure) {
        send(.loadFailed, failure.cutToFit().encoded())
    }

    /// Whether the log of this call is not full yet. Asked before a line is converted, so that a line which is dropped
    /// costs almost nothing.
    public var takesLogLines: Bool { !logAllowance.isExceeded }

    /// Sends a line that the function wrote. A line longer than 64 KiB is cut. Once the log is full, lines are dropped:
    /// the last one sent is the one that did not fit, so the host knows that lines are missing.
    public func sendLog(level: UInt8, _ text: String) {
        guard takesLogLines else { return }
        let text = text.cut(toUTF8Length: LogMessage.longestText)
        logAllowance.take(textLength: text.utf8.count)
        send(.log, LogMessage(level: level, text: text).encoded())
    }

    /// Sets how much each call, and loading, may log. Until then nothing is sent.
    func limitLog(toBytes limit: Int) {
        fullLogAllowance = LogAllowance(bytes: limit)
        logAllowance = fullLogAllowance
    }
}

extension Failure {
    /// Guests can make error messages of any length, so the fields are cut.
    fileprivate func cutToFit() -> Failure {
        var failure = self
        failure.name = name.cut(toUTF8Length: 256)
        failure.message = message.cut(toUTF8Length: 64 << 10)
        failure.stackTrace = stackTrace.prefix(Failure.maximumStackTraceCount).map { $0.cut(toUTF8Length: 1024) }
        return failure
    }
}

extension String {
    fileprivate func cut(toUTF8Length limit: Int) -> String {
        utf8.count <= limit ? self : String(decoding: utf8.prefix(limit - 3), as: UTF8.self) + "…"
    }
}
