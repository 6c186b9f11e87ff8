import Glibc

/// International host names in ASCII, by ICU, which JavaScriptCore brings along.
///
/// ICU puts its version into the names of its functions, and its headers into a package that nothing else here needs.
/// So the functions are looked up.
enum DomainNames {
    private typealias Open = @convention(c) (UInt32, UnsafeMutablePointer<Int32>) -> OpaquePointer?
    private typealias Convert =
        @convention(c) (
            OpaquePointer?, UnsafePointer<CChar>, Int32, UnsafeMutablePointer<CChar>, Int32, UnsafeMutableRawPointer,
            UnsafeMutablePointer<Int32>
        ) -> Int32

    /// `UIDNAInfo`.
    private struct Info {
        var size: Int16 = 16
        var isTransitionalDifferent: Int8 = 0
        var reserved: Int8 = 0
        var errors: UInt32 = 0
        var reserved2: (Int32, Int32) = (0, 0)
    }

    /// UTS #46 as the URL standard asks for: bidi and joiner rules checked, nothing transitional.
    private static let options: UInt32 = 4 | 8 | 0x10 | 0x20
    /// Empty and too long labels, and hyphens wherever they are: no errors in URLs.
    private static let toleratedErrors: UInt32 = 1 | 2 | 4 | 8 | 0x10 | 0x20

    /// nil if the name cannot be one, or if there is no ICU.
    static func ascii(_ name: String) -> String? {
        guard let converter else { return nil }
        var info = Info()
        var status: Int32 = 0
        var buffer = [CChar](repeating: 0, count: 4 * name.utf8.count + 256)
        let length = converter.convert(
            converter.names, name, Int32(name.utf8.count), &buffer, Int32(buffer.count), &info, &status)
        guard status <= 0, info.errors & ~toleratedErrors == 0, length >= 0, length < buffer.count else { return nil }
        return String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Opened once. One thread: nothing races.
    nonisolated(unsafe) private static let converter: (names: OpaquePointer?, convert: Convert)? = {
        for version in 60...120 {
            guard let open = dlsym(nil, "uidna_openUTS46_\(version)"),
                let convert = dlsym(nil, "uidna_nameToASCII_UTF8_\(version)")
            else { continue }
            var status: Int32 = 0
            let names = unsafeBitCast(open, to: Open.self)(options, &status)
            return status <= 0 ? (names, unsafeBitCast(convert, to: Convert.self)) : nil
        }
        return nil
    }()
}
