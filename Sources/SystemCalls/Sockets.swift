import CLinuxShims
import Glibc

/// Local sockets between the host, its zygotes and their workers. Descriptors are plain numbers: they are passed
/// between processes and to NIO, and each owner closes its own.
public enum Sockets {
    /// Whether there are bytes that have not been read. Takes none of them.
    public static func hasUnreadBytes(_ socket: Int32) -> Bool {
        var byte: UInt8 = 0
        return recv(socket, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) > 0
    }

    /// A connected pair of byte streams, both ends close-on-exec.
    public static func makeStreamPair() throws(SystemCallError) -> (Int32, Int32) {
        try makePair(SOCK_STREAM)
    }

    /// A connected pair that keeps message boundaries, both ends close-on-exec.
    public static func makeMessagePair() throws(SystemCallError) -> (Int32, Int32) {
        try makePair(SOCK_SEQPACKET)
    }

    private static func makePair(_ type: __socket_type) throws(SystemCallError) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let flags = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, flags, 0, &ends) == 0 else { throw .last("socketpair") }
        return (ends[0], ends[1])
    }

    /// Sends one message, optionally with a descriptor. The receiver gets a duplicate; the caller keeps its own.
    ///
    /// - Parameter waits: whether to wait for room in the socket. Otherwise a full socket is an error with code
    ///   `EAGAIN`.
    public static func send(
        _ bytes: UnsafeRawBufferPointer, descriptor: Int32 = -1, to socket: Int32, waits: Bool = true
    ) throws(SystemCallError) {
        let sent = try checked(
            "sendmsg", faas_send(socket, bytes.baseAddress, bytes.count, descriptor, waits ? 1 : 0))
        guard sent == bytes.count else { throw SystemCallError("sendmsg", code: EMSGSIZE) }
    }

    /// Receives one message into `buffer`. Returns 0 bytes when the other end is closed.
    ///
    /// - Returns: the number of bytes, and the received descriptor or -1. The caller must close the descriptor.
    public static func receive(
        into buffer: UnsafeMutableRawBufferPointer, from socket: Int32
    ) throws(SystemCallError) -> (count: Int, descriptor: Int32) {
        var descriptor: Int32 = -1
        let count = faas_receive(socket, buffer.baseAddress, buffer.count, &descriptor)
        // The kernel reports ECONNRESET if the other end closed with unread messages. That is a normal close too.
        if count == -Int(ECONNRESET) { return (0, -1) }
        return (try checked("recvmsg", count), descriptor)
    }
}
