import Foundation
import TestSupport
import Testing

@testable import Checkpoints

private typealias Torch = TorchWriter

/// Files that ask for what weights do not need, or for more than is there.
struct TorchHostileTests {
    struct Hostile: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let body: [UInt8]
        /// What the message must name.
        var word = ""

        init(_ name: String, _ body: [UInt8], _ word: String = "") {
            testDescription = name
            self.body = body
            self.word = word
        }

        init(_ name: String, _ body: String, _ word: String = "") { self.init(name, Array(body.utf8), word) }
    }

    /// A state dict of one tensor.
    private static func state(_ tensor: [UInt8]) -> [UInt8] { Torch.dictionary([(Torch.text("a"), tensor)]) }

    private static func storage(count: Int = 2, type: String = "FloatStorage") -> [UInt8] {
        Torch.storage(key: "0", type: type, count: count)
    }

    private static func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

    /// As many copies of `part`.
    private static func many(_ count: Int, _ part: [UInt8]) -> [UInt8] {
        Array(repeatElement(part, count: count).joined())
    }

    private static let conversion = Torch.global("collections", "OrderedDict")

    static let globals = [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"),
        ("builtins", "getattr"),
        ("__builtin__", "eval"), ("subprocess", "Popen"), ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"), ("torch", "load"), ("torch.storage", "_load_from_bytes"),
        ("torch", "FloatStorage.x"),
        ("torch._utils", "_rebuild_qtensor"), ("torch._utils", "_import_dotted_name"), ("", ""),
        ("collections", ""),
        ("os\u{1B}[31m", "sys\ttem"), (String(repeating: "a", count: 100_000), "b"),
    ]

    static let calls = [
        Hostile("REDUCE of a text", Torch.text("os.system") + bytes("(tR")),
        Hostile("REDUCE of a list", "](tR"), Hostile("REDUCE without arguments", conversion + bytes("R")),
        Hostile("REDUCE with a list", conversion + bytes("]R")),
        Hostile("REDUCE of a storage type", Torch.global("torch", "FloatStorage") + bytes(")R")),
        Hostile(
            "REDUCE of a tensor without arguments",
            Torch.global("torch._utils", "_rebuild_tensor_v2") + bytes(")R")),
        Hostile(
            "REDUCE of a parameter of nothing",
            Torch.global("torch._utils", "_rebuild_parameter") + bytes(")R")),
        Hostile(
            "REDUCE of an OrderedDict of no pairs",
            conversion + bytes("](K\u{1}K\u{2}e") + [0x85] + bytes("R")),
        Hostile("REDUCE of an OrderedDict of a number", conversion + bytes("K\u{1}") + [0x85] + bytes("R")),
        Hostile("BUILD on a dict", "}}b"), Hostile("BUILD on a list", "]}b"),
        Hostile("BUILD on a global", conversion + bytes("}b")),
        Hostile("BUILD on a tensor", Torch.tensor(storage(), shape: [2]) + bytes("}b")),
        Hostile("EXT1", [0x82, 1], "0x82"), Hostile("EXT2", [0x83, 1, 0], "0x83"),
        Hostile("EXT4", [0x84, 1, 0, 0, 0], "0x84"), Hostile("INST", "(ios\nsystem\n", "0x69"),
        Hostile("OBJ", "(" + String(decoding: conversion, as: UTF8.self) + "o", "0x6f"),
        Hostile("NEWOBJ_EX", conversion + bytes(")}") + [0x92], "0x92"),
        Hostile("PERSID", "P0\n", "0x50"), Hostile("BYTEARRAY8", [0x96] + many(8, [0]), "0x96"),
        Hostile("STACK_GLOBAL", Torch.text("os") + Torch.text("system") + [0x93], "os.system"),
        Hostile("STACK_GLOBAL of numbers", bytes("K\u{1}K\u{2}") + [0x93]),
        Hostile(
            "a whole model", Torch.tuple(Torch.text("module"), conversion, [0x4E], [0x4E]) + bytes("Q"),
            "whole model"),
        Hostile("a persistent id that is a number", "K\u{1}Q"), Hostile("an empty persistent id", ")Q"),
        Hostile(
            "a storage id without a type", Torch.tuple(Torch.text("storage"), Torch.text("x")) + bytes("Q")),
    ]

    static let structures = [
        Hostile("nothing", ""), Hostile("two values", "NN"), Hostile("an open mark", "N("),
        Hostile("a mark that is not there", "Nt"), Hostile("APPEND without a list", "NNa"),
        Hostile("APPEND to a tuple", ")Na"), Hostile("SETITEM on a list", "]NNs"),
        Hostile("SETITEMS without a value", "}(NNNu"), Hostile("DICT without a value", "(Nd"),
        Hostile("POP of nothing", "0"), Hostile("DUP of nothing", "2"),
        Hostile("BINPUT of nothing", "q\u{0}"),
        Hostile("BINGET of nothing", "h\u{7}"), Hostile("a tuple across a mark", bytes("N(") + [0x85]),
        Hostile("LONG_BINGET of nothing", bytes("j") + [255, 255, 255, 255]),
        Hostile("a frame beyond the end", [0x95] + many(8, [255])),
        Hostile("a protocol in the middle", [0x80, 2]), Hostile("a number", "K\u{1}", "dictionary"),
        Hostile("a list", "]", "dictionary"), Hostile("no tensors", "}", "tensors"),
        Hostile("a dict of numbers", Torch.dictionary([(Torch.text("a"), bytes("K\u{1}"))]), "tensors"),
        Hostile(
            "a tensor under a number",
            Torch.dictionary([(bytes("K\u{1}"), Torch.tensor(storage(), shape: [2]))])),
        Hostile(
            "a name that is not UTF-8",
            Torch.dictionary([(bytes("U\u{1}") + [0xFF], Torch.tensor(storage(), shape: [2]))]), "UTF-8"),
        Hostile(
            "a name twice",
            Torch.dictionary(
                Array(repeating: (Torch.text("a"), Torch.tensor(storage(), shape: [2])), count: 2)),
            "twice"),
    ]

    static let tensors = [
        Hostile("a tensor beyond its storage", state(Torch.tensor(storage(), shape: [3]))),
        Hostile("an offset beyond the storage", state(Torch.tensor(storage(), offset: 1, shape: [2]))),
        Hostile("an offset beyond everything", state(Torch.tensor(storage(), offset: .max, shape: [1]))),
        Hostile("a negative offset", state(Torch.tensor(storage(), offset: -1, shape: [1]))),
        Hostile("a negative size", state(Torch.tensor(storage(), shape: [-2]))),
        Hostile("a negative stride", state(Torch.tensor(storage(), offset: 1, shape: [2], strides: [-1]))),
        Hostile("a stride beyond the storage", state(Torch.tensor(storage(), shape: [2], strides: [2]))),
        Hostile("a stride beyond everything", state(Torch.tensor(storage(), shape: [3], strides: [.max]))),
        Hostile("more strides than sizes", state(Torch.tensor(storage(), shape: [2], strides: [1, 1]))),
        Hostile(
            "an uncountable shape",
            state(Torch.tensor(storage(), shape: [1 << 40, 1 << 40], strides: [0, 0]))),
        Hostile(
            "an uncountable empty shape",
            state(Torch.tensor(storage(), shape: [1 << 40, 1 << 40, 0], strides: [0, 0, 0]))),
        Hostile(
            "a vast expansion", state(Torch.tensor(storage(), shape: [1 << 40], strides: [0])), "repeats"),
        Hostile(
            "many expansions",
            Torch.dictionary(
                (0..<100).map {
                    (Torch.text("\($0)"), Torch.tensor(storage(), shape: [1 << 20], strides: [0]))
                }), "repeats"),
        Hostile("65 dimensions", state(Torch.tensor(storage(), shape: Array(repeating: 1, count: 65)))),
        Hostile(
            "a size that is no number",
            state(
                Torch.global("torch._utils", "_rebuild_tensor_v2")
                    + Torch.tuple(
                        storage(), bytes("K\u{0}"), Torch.tuple(Torch.text("2")), Torch.tuple(bytes("K\u{1}"))
                    ) + bytes("R"))),
        Hostile(
            "a storage that is not there", state(Torch.tensor(Torch.storage(key: "7", count: 2), shape: [2]))),
        Hostile("a storage of another size", state(Torch.tensor(storage(count: 3), shape: [2]))),
        Hostile("a storage of no size", state(Torch.tensor(storage(count: .max), shape: [2]))),
        Hostile("a storage of negative size", state(Torch.tensor(storage(count: -1), shape: [0]))),
        Hostile("a storage of another type", state(Torch.tensor(storage(type: "DoubleStorage"), shape: [1]))),
        Hostile(
            "a storage of unknown type", state(Torch.tensor(storage(type: "QInt8Storage"), shape: [1])),
            "QInt8Storage"),
        Hostile(
            "a storage of two types",
            Torch.dictionary([
                (Torch.text("a"), Torch.tensor(storage(), shape: [2])),
                (Torch.text("b"), Torch.tensor(storage(type: "IntStorage"), shape: [2])),
            ])),
        Hostile(
            "a part beyond its storage",
            state(
                Torch.tensor(
                    Torch.storage(
                        key: "0", count: 2,
                        more: Torch.tuple(Torch.text("1"), Torch.integer(1), Torch.integer(2))), shape: [1]))),
        Hostile(
            "a part of everything",
            state(
                Torch.tensor(
                    Torch.storage(
                        key: "0", count: 2,
                        more: Torch.tuple(Torch.text("1"), Torch.integer(.max), Torch.integer(.max))),
                    shape: [1]))),
        Hostile(
            "a tensor beyond its part",
            state(
                Torch.tensor(
                    Torch.storage(
                        key: "0", count: 2,
                        more: Torch.tuple(Torch.text("1"), Torch.integer(1), Torch.integer(1))), shape: [2]))),
    ]

    static let bombs = [
        Hostile("nested lists", many(1_000_000, bytes("]")), "deeper"),
        Hostile("nested lists, put together", many(60_000, bytes("]")) + many(60_000, bytes("a")), "deeper"),
        Hostile("nested tuples", bytes(")") + many(1_000_000, [0x85]), "deeper"),
        Hostile("nested marks", many(1_000_000, bytes("(")), "deeper"),
        Hostile("nested dictionaries", many(1_000_000, bytes("}N")), "deeper"),
        Hostile("doubled tuples", bytes("N") + many(500_000, [0x32, 0x86]), "deeper"),
        Hostile("doubled lists", bytes("]") + many(500_000, bytes("q\u{0}]h\u{0}ah\u{0}a")), "deeper"),
        Hostile("a list of lists without end", bytes("]") + many(3_000_000, bytes("]a")), "memory"),
        Hostile("values that are forgotten", many(6_000_000, bytes("]0")), "memory"),
        Hostile(
            "a filled memo",
            many(1, bytes("N"))
                + (0..<200_000).flatMap { [UInt8(ascii: "r")] + Torch.littleEndian(UInt32($0) &* 7919) },
            "memory"),
        Hostile("a memo at its end", bytes("Nr") + [255, 255, 255, 255] + bytes("0N")),
        Hostile(
            "tensors of one storage without end", storage() + bytes("q\u{0}0") + tensorsOfMemo(200_000),
            "memory"),
        Hostile("an OrderedDict of one pair over and over", pairsOfMemo(), "memory"),
        Hostile("LONG1 beyond the end", [0x8A, 255]),
        Hostile("LONG4 beyond the end", [0x8B, 255, 255, 255, 0x7F]),
        Hostile("a negative LONG4", [0x8B, 255, 255, 255, 255]),
        Hostile("BINUNICODE beyond the end", bytes("X") + [255, 255, 255, 255]),
        Hostile("BINUNICODE8 beyond the end", [0x8D] + many(8, [255])),
        Hostile("BINUNICODE8 of the largest size", [0x8D] + many(7, [255]) + [0x7F]),
        Hostile("BINBYTES8 beyond the end", [0x8E, 0, 0, 0, 0, 0, 0, 0, 0x80]),
        Hostile("a global without end", bytes("c") + many(1_000_000, bytes("a"))),
    ]

    private static func tensorsOfMemo(_ count: Int) -> [UInt8] {
        let call = Torch.global("torch._utils", "_rebuild_tensor_v2") + bytes("q\u{1}0)q\u{2}0]")
        return call + many(count, bytes("h\u{1}(h\u{0}K\u{0}h\u{2}h\u{2}tRa"))
    }

    /// A list of 2000 times the same pair, and many dictionaries of it.
    private static func pairsOfMemo() -> [UInt8] {
        bytes("]](NNeq\u{0}0(") + many(2000, bytes("h\u{0}")) + bytes("lq\u{1}") + [0x85] + bytes("q\u{2}0")
            + conversion
            + bytes("q\u{3}0") + many(1000, bytes("h\u{3}h\u{2}R"))
    }

    /// Opens `body` in both kinds of file.
    private func errors(_ body: [UInt8]) throws -> [CheckpointError?] {
        let folder = try TemporaryFolder()
        let pickle = Torch.pickle(body)
        let storages = [(key: "0", elements: [UInt8](repeating: 1, count: 8))]
        return try [
            Torch.archive(pickle: pickle, storages: storages),
            Torch.stream(pickle: pickle, storages: storages),
        ].map { file in
            let path = try folder.write(file, to: "x.bin")
            do {
                let source = try TorchFile(path: path)
                for index in source.weights.indices { try source.withElements(of: index) { _ in } }
                return nil
            } catch let error as CheckpointError {
                return error
            }
        }
    }

    private func expectBadData(_ hostile: Hostile) throws {
        for error in try errors(hostile.body) {
            #expect(error?.category == .badData)
            let message = error?.description ?? ""
            #expect(hostile.word.isEmpty || message.contains(hostile.word), "\(message)")
        }
    }

    @Test(arguments: calls) func whatWeightsDoNotCallIsBadData(_ hostile: Hostile) throws {
        try expectBadData(hostile)
    }
    @Test(arguments: structures) func aMalformedPickleIsBadData(_ hostile: Hostile) throws {
        try expectBadData(hostile)
    }
    @Test(arguments: tensors) func aTensorThatCannotBeIsBadData(_ hostile: Hostile) throws {
        try expectBadData(hostile)
    }
    @Test(arguments: bombs) func aBombIsBadData(_ hostile: Hostile) throws { try expectBadData(hostile) }

    @Test(arguments: globals) func aGlobalThatWeightsDoNotNeedIsNamed(_ module: String, _ name: String) throws
    {
        for error in try errors(
            Torch.global(module, name) + Torch.tuple(Torch.text("echo")) + Self.bytes("R"))
        {
            #expect(error?.category == .badData)
            let what = error?.what ?? ""
            #expect(what.hasPrefix("asks for ") && what.hasSuffix(", which weights do not need"))
            #expect(what.utf8.count < 300 && what.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
            if module == "os" { #expect(what == "asks for os.system, which weights do not need") }
            #expect(error?.remedy.hasPrefix("convert it with") == true)
        }
    }

    @Test func theHarmlessStateReads() throws {
        #expect(try errors(Self.state(Torch.tensor(Self.storage(), shape: [2], strides: [1]))) == [nil, nil])
    }
}
