import Glibc

/// Converts international host names to ASCII, with the ICU library that JavaScriptCore is linked with.
///
/// ICU's function names contain its version, and its headers are in a package that is not needed otherwise. So the
/// functions are looked up by name.
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

    /// UTS #46 as the URL standard requires: bidi and joiner rules are checked, and processing is nontransitional.
    private static let options: UInt32 = 4 | 8 | 0x10 | 0x20
    /// Empty labels, labels that are too long, and hyphens in any place are not errors in URLs.
    private static let toleratedErrors: UInt32 = 1 | 2 | 4 | 8 | 0x10 | 0x20

    /// Returns nil if the name is not valid, or if ICU is missing.
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

    /// Opened once. The process has one thread, so there is no race.
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
