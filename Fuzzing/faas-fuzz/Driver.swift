import FuzzTargets
import Glibc

/// Usage: FUZZ_TARGET=frames faas-fuzz [options of libFuzzer] corpus…
///
/// SwiftPM renames the entry point of executables and makes it `main`, as libFuzzer's own is called. Whichever of the two the linker
/// takes does the same.
@main
enum Driver {
    static func main() {
        // Said before anything is tried.
        _ = target
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
    _ count: UnsafeMutablePointer<CInt>, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
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
    let input = Array(UnsafeBufferPointer(start: bytes, count: count))
    do {
        try target.check(input)
    } catch {
        print("FOUND: \(error)")
        keep(input)
        fflush(nil)
        // Not abort(), which libFuzzer sees only where nothing else handles the signal.
        _exit(77)
    }
    return 0
}

/// Where libFuzzer keeps the inputs of its own findings: FUZZ_FINDINGS is the beginning of the name.
private func keep(_ input: [UInt8]) {
    let path = (getenv("FUZZ_FINDINGS").map { String(cString: $0) } ?? "finding-") + "found"
    guard let file = fopen(path, "w") else { return print("the input cannot be kept in \(path)") }
    fwrite(input, 1, input.count, file)
    fclose(file)
    print("Test unit written to \(path)")
}
