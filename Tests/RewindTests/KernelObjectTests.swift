import CLinuxShims
import Foundation
import Testing

@testable import SystemCalls

/// What `/proc/self/fdinfo` says, on several kernels.
struct KernelObjectTests {
    @Test func `An epoll set's members are read with the spaces of new kernels and without`() throws {
        let text = """
            pos:\t0
            flags:\t02000002
            mnt_id:\t15
            ino:\t1057
            tfd:        5 events:       19 data:                5  pos:0 ino:2a sdev:9
            tfd:       12 events: 8000201d data: ffffffff0000000c  pos:0 ino: 421 sdev: f
            """
        let members = try #require(KernelObjects.members(text))
        #expect(members.map(\.descriptor) == [5, 12])
        #expect(members.map(\.events) == [0x19, 0x8000_201d])
        #expect(members.map(\.data) == [5, 0xffff_ffff_0000_000c])
        #expect(try #require(KernelObjects.members("pos:\t0\nflags:\t02\n")).isEmpty)
    }

    @Test(arguments: ["tfd: x events: 1 data: 1 pos:0", "tfd: 5 events: 1", "tfd: 5 data: 1 events: 1 pos:0"])
    func `A line that says something else is not guessed at`(line: String) {
        #expect(KernelObjects.members(line) == nil)
    }

    @Test func `A counter's count is hexadecimal, and only new kernels name semaphores`() throws {
        let old = try #require(KernelObjects.counter("pos:\t0\neventfd-count:               1f\neventfd-id: 3\n"))
        #expect(old.count == 31 && old.isSemaphore == nil)
        let new = try #require(
            KernelObjects.counter("eventfd-count: ffffffffffffffff\neventfd-id: 3\neventfd-semaphore: 1\n"))
        #expect(new.count == .max && new.isSemaphore == true)
        #expect(KernelObjects.counter("pos:\t0\n") == nil)
    }

    @Test(arguments: [0, 1, 7] as [UInt64], [0, 1] as [Int32])
    func `Where the kernel does not name semaphores, trying leaves the count as it was`(count: UInt64, flag: Int32)
        throws
    {
        let counter = fcntl(0, F_DUPFD_CLOEXEC, 100)
        defer { close(counter) }
        try #require(faas_make_event(counter, count, flag) == 0)
        #expect((faas_is_semaphore(counter, count) != 0) == (flag == 1))
        let text = try String(contentsOfFile: "/proc/self/fdinfo/\(counter)", encoding: .utf8)
        #expect(KernelObjects.counter(text)?.count == count)
    }
}
