import FunctionModel
import Glibc
import NIOCore

/// The server cannot listen on its address.
public struct ListenFailure: FunctionError, Equatable {
    public var kind: FunctionErrorKind { .host }
    public let message: String

    /// nil: the error does not come from listening.
    init?(_ error: any Error, host: String, port: Int) {
        switch error {
        case let error as IOError:
            switch error.errnoCode {
            case EADDRINUSE: message = "The address \(host):\(port) is in use. Choose another port, or stop its owner."
            case EACCES, EPERM:
                message = "Listening on \(host):\(port) needs a privilege. Choose a port from 1024 on."
            case EADDRNOTAVAIL: message = "The address \(host) does not belong to this machine."
            case EMFILE, ENFILE: message = "Too many files are open to listen on \(host):\(port)."
            default:
                message = "The server cannot listen on \(host):\(port): \(String(cString: strerror(error.errnoCode)))."
            }
        case is SocketAddressError.UnknownHost:
            message = "The host name \(quoted(host)) cannot be resolved."
        default: return nil
        }
    }
}
