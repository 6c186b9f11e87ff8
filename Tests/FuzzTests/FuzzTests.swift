import Foundation
import FuzzTargets
import TestSupport
import Testing

/// What `make fuzz` tries for minutes, in short: every input that it has kept, and seeded changes of those.
///
/// One after the other, as the fuzzer does it: the HTTP target's server is shared, and an invocation that fails may
/// fail another that waits for the same function, on its own thread. Real connections have a loop to be told on; this
/// target's have none.
@Suite(.serialized) struct FuzzTests {
    private static func corpus(of target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
        let folder = Binaries.repository.appendingPathComponent("Fuzzing/Corpora/\(target.rawValue)")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
            ($0, Array(try Data(contentsOf: folder.appendingPathComponent($0))))
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `Every kept input is read as it must be`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target)
        #expect(corpus.count >= 5)
        for (name, bytes) in corpus {
            do { try target.check(bytes) } catch { Issue.record("\(name): \(error)") }
        }
    }

    @Test(arguments: FuzzTarget.allCases)
    func `So are changed ones, and bytes without any sense`(target: FuzzTarget) throws {
        let corpus = try Self.corpus(of: target).map(\.bytes).filter { $0.count <= 1000 }
        var random = SeededGenerator(seed: 20_261_125)
        for round in 0..<4000 {
            var bytes = corpus.randomElement(using: &random) ?? []
            if round % 10 == 0 {
                bytes = (0..<Int.random(in: 0..<40, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
            }
            for _ in 0...Int.random(in: 0..<4, using: &random) { mutate(&bytes, corpus, using: &random) }
            do { try target.check(bytes) } catch { Issue.record("round \(round): \(error): \(bytes)") }
        }
    }

    private func mutate(_ bytes: inout [UInt8], _ corpus: [[UInt8]], using random: inout SeededGenerator) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        let end = min(bytes.count, index + Int.random(in: 1...8, using: &random))
        switch Int.random(in: 0..<7, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: bytes.removeSubrange(index..<end)
        case 3: bytes.insert(contentsOf: bytes[index..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 4: bytes.removeSubrange(index...)
        case 5: bytes.insert("{}[],:\"\\/*-.e0\r\n".utf8.randomElement(using: &random) ?? 0, at: index)
        default: bytes.replaceSubrange(index..., with: corpus.randomElement(using: &random) ?? [])
        }
    }
}
