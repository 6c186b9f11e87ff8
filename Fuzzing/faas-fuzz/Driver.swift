import FuzzTargets
import Glibc

/// Usage: FUZZ_TARGET=frames faas-fuzz [options of libFuzzer] corpus…
///
/// SwiftPM renames the entry point of executables and makes it `main`, as libFuzzer's own is called. Whichever of the
/// two the linker takes does the same.
@main
enum Driver {
    static func main() {
        // Said before anything is tried.
        _ = (target, inputFile)
        exit(runFuzzer())
    }
}

private let target: FuzzTarget = {
    guard let name = getenv("FUZZ_TARGET"), let target = FuzzTarget(rawValue: String(cString: name)) else {
        print("FUZZ_TARGET must be one of \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
        exit(64)
    }
    return target
}()

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

private func runFuzzer() -> CInt {
    var count = CommandLine.argc
    // SAFETY: the arguments belong to the process, and live as long as it does.
    var arguments = CommandLine.unsafeArgv
    return runDriver(&count, &arguments, tryInput)
}

@_cdecl("LLVMFuzzerTestOneInput")
func tryInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // Before it is tried: libFuzzer keeps the input of no trap of Swift's.
    ftruncate(inputFile, 0)
    pwrite(inputFile, bytes, count, 0)
    do {
        try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
    } catch {
        print("FOUND: \(error)")
        fflush(nil)
        _exit(77)
    }
    return 0
}

/// The file that FUZZ_INPUT names has what is being tried.
private let inputFile: CInt = {
    let file = getenv("FUZZ_INPUT").map { open($0, O_CREAT | O_RDWR | O_CLOEXEC, 0o644) } ?? -1
    guard file >= 0 else {
        print("FUZZ_INPUT must name a file that can be written")
        exit(64)
    }
    return file
}()
