import Crypto
import Foundation
import FunctionStorage
import SystemCalls

/// The key that encrypts a data directory's secrets: 32 bytes in `{dataDirectory}/secrets.key`, which only its owner may
/// read.
struct SecretKeyFile: Sendable {
    private static let name = "secrets.key"
    private static let count = 32

    private let directory: String

    init(directory: String) { self.directory = directory }

    private var path: String { "\(directory)/\(Self.name)" }

    /// Encrypts with AES-GCM. The name is authenticated with the value: a box under another name does not open.
    struct Key {
        fileprivate let key: SymmetricKey
        fileprivate let path: String

        func seal(_ value: String, name: String) throws -> Data {
            guard
                let box = try AES.GCM.seal(Data(value.utf8), using: key, authenticating: Data(name.utf8)).combined
            else { throw StorageFailure(path: path, reason: "the secret '\(name)' cannot be encrypted") }
            return box
        }

        func open(_ box: Data, name: String) throws -> String {
            guard let sealed = try? AES.GCM.SealedBox(combined: box),
                let value = try? AES.GCM.open(sealed, using: key, authenticating: Data(name.utf8)),
                let text = String(validating: value, as: UTF8.self)
            else {
                throw StorageFailure(
                    path: path, reason: "it is not the key that the secret '\(name)' was encrypted with: set it again")
            }
            return text
        }
    }

    func read() throws -> Key {
        let bytes: [UInt8]
        do {
            bytes = try readFile(path, limit: 1024).bytes
        } catch {
            throw StorageFailure(path: path, reason: "the key of the secrets \(error.phrase)")
        }
        return try key(bytes)
    }

    /// Not for two processes at once.
    func makeIfMissing() throws -> Key {
        var status = stat()
        if lstat(path, &status) == 0 { return try read() }
        var generator = SystemRandomNumberGenerator()
        let bytes = (0..<Self.count).map { _ in UInt8.random(in: 0...UInt8.max, using: &generator) }
        do {
            try DurableFile.replace(Self.name, in: directory, with: bytes)
        } catch {
            throw StorageFailure(path: path, reason: error.description)
        }
        return try read()
    }

    private func key(_ bytes: [UInt8]) throws -> Key {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & 0o077 == 0 else {
            throw StorageFailure(
                path: path, reason: "others than its owner may read the key of the secrets: chmod 600 it")
        }
        guard bytes.count == Self.count else {
            throw StorageFailure(path: path, reason: "it has \(bytes.count) bytes, and a key has \(Self.count)")
        }
        return Key(key: SymmetricKey(data: bytes), path: path)
    }
}
