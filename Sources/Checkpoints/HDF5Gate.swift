import CHDF5

/// The one way to the groups and datasets of a file that is read.
///
/// Any file may have been made to harm: to have the program read another file, run for ever or take all memory. So
/// links to other files are refused, every object is read under one name only, which leaves neither loops nor one
/// dataset under a million names, and all datasets together are no larger than files of such a size have need of.
final class HDF5Gate {
    /// Bytes of elements that a file of any size may hold: a dataset of one value compresses a thousandfold.
    private static let smallestLimit = 1 << 28
    /// Bytes of elements that a byte of the file may hold: more than weights whose optimizer's state is all zero have.
    private static let expansion = 16

    /// Bytes in the file, above which nothing that it stores can be.
    let fileSize: Int
    private var left: Int
    /// Datasets that are accounted for.
    private var charged: Set<String> = []
    /// The name under which each object was opened, by what identifies it.
    private var names: [UInt64: String] = [:]

    /// The gate of an open file.
    init(_ file: borrowing HDF5Handle, at location: HDF5Location) throws {
        var size: hsize_t = 0
        try location.check(H5Fget_filesize(file.id, &size), "measure the file")
        fileSize = Int(clamping: size)
        let (bytes, overflow) = fileSize.multipliedReportingOverflow(by: Self.expansion)
        left = overflow ? .max : max(bytes, Self.smallestLimit)
        names[try Self.identity(file.id, at: location)] = "/"
    }

    /// Throws where the object was opened under another name.
    fileprivate func admit(_ id: hid_t, at location: HDF5Location) throws {
        let name = location.item ?? "/"
        let identity = try Self.identity(id, at: location)
        let other = names[identity, default: name]
        guard other == name else { throw location.refused("is the same object as \(other)") }
        names[identity] = name
    }

    /// Accounts for the elements of a dataset, once, before any memory is taken for them.
    fileprivate func charge(_ bytes: Int, at location: HDF5Location) throws {
        guard charged.insert(location.item ?? "/").inserted else { return }
        guard bytes <= left else {
            throw location.bad(
                "with \(bytes) bytes of elements makes more than a file of \(fileSize) bytes can need")
        }
        left -= bytes
    }

    private static func identity(_ id: hid_t, at location: HDF5Location) throws -> UInt64 {
        var identity: UInt64 = 0
        try location.check(dure_h5_identity(id, &identity), "open")
        return identity
    }
}

extension HDF5Object {
    /// Opens the group `name`, a path from here; throws when there is none.
    func openGroup(_ name: String) throws -> HDF5Object {
        try HDF5.locked { try openMember(Self.steps(name)[...], H5I_GROUP, "group") }
    }

    /// Opens the dataset `name`, a path from here; throws when there is none, or none to be read.
    func openDataset(_ name: String) throws -> HDF5Dataset {
        try HDF5.locked {
            let dataset = try HDF5Dataset(openMember(Self.steps(name)[...], H5I_DATASET, "dataset"))
            try dataset.object.gate?.charge(dataset.byteCount, at: dataset.object.location)
            return dataset
        }
    }

    /// The names in a path, without those that stay where they are.
    static func steps(_ path: String) -> [String] {
        path.split(separator: "/").map(String.init).filter { $0 != "." }
    }

    private func openMember(
        _ steps: ArraySlice<String>, _ type: H5I_type_t, _ kind: String
    ) throws -> HDF5Object {
        guard let name = steps.first else { throw location.bad("a name in it is empty") }
        guard steps.count == 1 else {
            return try openMember([name], H5I_GROUP, "group").openMember(
                steps.dropFirst(), type, kind)
        }
        let inner = location.member(name)
        guard try contains(name) else { throw inner.bad("the \(kind) is missing") }
        var link = H5L_TYPE_ERROR
        try inner.check(dure_h5_link_type(handle.id, name, &link), "open the \(kind)")
        guard link == H5L_TYPE_HARD || link == H5L_TYPE_SOFT else {
            throw inner.refused("is a link to another file")
        }
        let id = H5Oopen(handle.id, name, dure_h5p_default())
        guard id >= 0 || link == H5L_TYPE_HARD else {
            throw inner.refused("is a link that leads to nothing in this file")
        }
        let opened = try HDF5Handle(id, .object, at: inner, "open the \(kind)")
        guard H5Iget_type(opened.id) == type else { throw inner.bad("is not a \(kind)") }
        try gate?.admit(opened.id, at: inner)
        return HDF5Object(handle: opened, location: inner, gate: gate)
    }
}
