import CHDF5
import Foundation

/// An identifier of the library, closed when it goes out of scope.
struct HDF5Handle: ~Copyable {
    enum Kind {
        case file, group, dataset, object, attribute, dataspace, type, propertyList
    }

    let id: hid_t
    private let kind: Kind

    /// Takes over `id`, which a call at `location` returned; throws when it failed. `action` completes "cannot …".
    init(_ id: hid_t, _ kind: Kind, at location: HDF5Location, _ action: String) throws {
        self.id = try location.check(id, action)
        self.kind = kind
    }

    deinit { _ = Self.close(id, kind) }

    /// Closes with an error instead of silence.
    consuming func close(at location: HDF5Location) throws {
        let (id, kind) = (id, kind)
        discard self
        try location.check(Self.close(id, kind), "finish the file")
    }

    private static func close(_ id: hid_t, _ kind: Kind) -> herr_t {
        HDF5.locked {
            switch kind {
            case .file: H5Fclose(id)
            case .group: H5Gclose(id)
            case .dataset: H5Dclose(id)
            case .object: H5Oclose(id)
            case .attribute: H5Aclose(id)
            case .dataspace: H5Sclose(id)
            case .type: H5Tclose(id)
            case .propertyList: H5Pclose(id)
            }
        }
    }
}

/// An open file, group or dataset: something with attributes and, but for datasets, named members.
struct HDF5Object: ~Copyable {
    let handle: HDF5Handle
    let location: HDF5Location
    /// The gate for what is opened from here; `nil` in a file that is being written.
    let gate: HDF5Gate?

    init(handle: consuming HDF5Handle, location: HDF5Location, gate: HDF5Gate? = nil) {
        self.handle = handle
        self.location = location
        self.gate = gate
    }

    var id: hid_t { handle.id }

    /// Creates a new file at `temporaryPath`, replacing what is there; errors name `path`.
    static func createFile(at temporaryPath: String, reportedAs path: String) throws -> HDF5Object {
        let location = HDF5Location(path: path, item: nil, isWriting: true)
        return try HDF5.locked {
            let access = try fileAccess(location)
            try location.check(dure_h5p_set_checksummed_format(access.id), "choose the file format")
            try location.check(
                H5Pset_alignment(access.id, hsize_t(HDF5FloatWriter.largeChunk), 4096),
                "choose the file format")
            let creation = try HDF5Handle(
                H5Pcreate(dure_h5p_file_create()), .propertyList, at: location, "choose the file format")
            // Equal content gives equal bytes, whenever it is written.
            try location.check(H5Pset_obj_track_times(creation.id, false), "choose the file format")
            let id = H5Fcreate(temporaryPath, dure_h5f_acc_trunc(), creation.id, access.id)
            return HDF5Object(handle: try HDF5Handle(id, .file, at: location, "create"), location: location)
        }
    }

    /// Opens the file `path` for reading.
    static func openFile(_ path: String) throws -> HDF5Object {
        try ForeignHDF5.admit(path, format: .checkpoint)
        let location = HDF5Location(path: path, item: nil, isWriting: false)
        return try HDF5.locked {
            let access = try fileAccess(location)
            let id = H5Fopen(path, dure_h5f_acc_rdonly(), access.id)
            let handle = try HDF5Handle(id, .file, at: location, "open as HDF5")
            let gate = try HDF5Gate(handle, at: location)
            return HDF5Object(handle: handle, location: location, gate: gate)
        }
    }

    private static func fileAccess(_ location: HDF5Location) throws -> HDF5Handle {
        let access = try HDF5Handle(
            H5Pcreate(dure_h5p_file_access()), .propertyList, at: location, "set up HDF5")
        // Locks are missing on many cluster file systems, and a file that appears by rename needs none.
        try location.check(H5Pset_file_locking(access.id, false, true), "set up HDF5")
        try location.check(H5Pset_fclose_degree(access.id, H5F_CLOSE_STRONG), "set up HDF5")
        return access
    }

    /// Creates the group `name`, of which the parent exists.
    func createGroup(_ name: String) throws -> HDF5Object {
        let inner = location.member(name)
        return try HDF5.locked {
            let id = H5Gcreate2(handle.id, name, dure_h5p_default(), dure_h5p_default(), dure_h5p_default())
            return HDF5Object(
                handle: try HDF5Handle(id, .group, at: inner, "create the group"), location: inner)
        }
    }

    /// Whether there is a member called `name`.
    func contains(_ name: String) throws -> Bool {
        try HDF5.locked {
            try location.check(H5Lexists(handle.id, name, dure_h5p_default()), "look for \(name)") > 0
        }
    }

    /// Names of all members, in alphabetical order.
    func memberNames() throws -> [String] {
        try HDF5.locked {
            var names: [String] = []
            let code = withUnsafeMutablePointer(to: &names) { dure_h5_link_names(handle.id, collectName, $0) }
            try location.check(code, "list the members")
            return names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        }
    }

    /// Writes everything out and closes; the only place where a late failure to write is seen.
    consuming func close() throws {
        let location = location
        if location.isWriting {
            try HDF5.locked {
                _ = try location.check(H5Fflush(handle.id, H5F_SCOPE_LOCAL), "write")
            }
        }
        try handle.close(at: location)
    }
}

/// Appends to the `[String]` that `context` points at.
let collectName: dure_h5_name = { name, context in
    guard let name, let context else { return }
    context.assumingMemoryBound(to: [String].self).pointee.append(String(cString: name))
}
