import FunctionExecution
import NIOCore
import WorkerProtocol

/// The same bytes make the same frames however they are cut. What is a message is written as the bytes that it was read
/// from.
func checkFrames(_ input: [UInt8]) throws(Finding) {
    let whole = decodedFrames(input, firstPiece: input.count)
    let cut = decodedFrames(input, firstPiece: Int(input.first ?? 0) % max(1, input.count))
    try require(whole.frames == cut.frames, "frames depend on how the bytes were cut")
    try require(whole.error == cut.error, "the error depends on how the bytes were cut")
    let length = whole.frames.reduce(0) { $0 + Frame.headerLength + $1.count - 1 }
    try require(length <= input.count, "frames hold more bytes than were sent")
    for frame in whole.frames { try checkMessages(Array(frame.dropFirst())) }
    try checkMessages(input)
}

/// Each frame as its kind and its payload.
private func decodedFrames(_ input: [UInt8], firstPiece: Int) -> (frames: [[UInt8]], error: ProtocolError?) {
    let processor = NIOSingleStepByteToMessageProcessor(WorkerFrameDecoder())
    var frames: [[UInt8]] = []
    do {
        for piece in [input[..<firstPiece], input[firstPiece...]] where !piece.isEmpty {
            try processor.process(buffer: ByteBuffer(bytes: piece)) {
                guard case .whole(let kind, let payload, _) = $0 else { return }
                frames.append([kind.rawValue] + payload.readableBytesView)
            }
        }
    } catch {
        return (frames, error as? ProtocolError)
    }
    return (frames, nil)
}

private func checkMessages(_ payload: [UInt8]) throws(Finding) {
    try checkMessage(payload, "failure") { try Failure($0).encoded() }
    try checkMessage(payload, "log line") { try LogMessage($0).encoded() }
    try checkMessage(payload, "list of modules") { try ModuleNames($0).encoded() }
    try checkMessage(payload, "load message") { try LoadMessage($0).encoded() }
    try checkMessage(payload, "zygote request") { try ZygoteRequest($0).encoded() }
    try checkMessage(payload, "invoke message") {
        let (header, event) = try InvokeHeader.decode($0)
        return header.encoded() + event
    }
    try checkMessage(payload, "zygote report") {
        let report = try ZygoteReport($0)
        // A reason is cut when it is written.
        if case .forkFailed(_, let reason) = report, reason.count > 1000 { return payload }
        return report.encoded()
    }
}

private func checkMessage(_ payload: [UInt8], _ name: String, _ copy: (UnsafeRawBufferPointer) throws -> [UInt8])
    throws(Finding)
{
    guard let copied = try? payload.withUnsafeBytes(copy) else { return }
    try require(copied == payload, "a \(name) is not written as it was read")
}
