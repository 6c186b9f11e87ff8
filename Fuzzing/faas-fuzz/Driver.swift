import FuzzTargets
import Glibc

/// libFuzzer's main function, with the function that it is to try. SwiftPM renames the entry point of executables, so that libFuzzer's
/// own does not find its way into one.
@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Usage: FUZZ_TARGET=frames faas-fuzz [options of libFuzzer] corpus…
@main
enum Driver {
    private static let target: FuzzTarget = {
        guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
            print("FUZZ_TARGET must be one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
            exit(64)
        }
        return target
    }()

    static func main() {
        _ = target
        var count = CommandLine.argc
        // SAFETY: libFuzzer keeps the arguments for as long as it runs, and so does the standard library.
        var arguments = CommandLine.unsafeArgv
        exit(runFuzzer(&count, &arguments) { bytes, count in
            do {
                try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
            } catch {
                // What libFuzzer takes for a crash: it keeps the input, and says where.
                print("FOUND: \(error)")
                fflush(nil)
                abort()
            }
            return 0
        })
    }
}
