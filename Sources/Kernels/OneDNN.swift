#if OneDNN
    import COneDNN
#endif

/// oneDNN's matrix products, on the calling thread alone.
enum OneDNN {
    #if OneDNN
        static let isBuiltIn = true

        /// As `oneDNN 2.6.3`.
        static var version: String? {
            guard let version = dnnl_version()?.pointee else { return nil }
            return "oneDNN \(version.major).\(version.minor).\(version.patch)"
        }
    #else
        static let isBuiltIn = false
        static let version: String? = nil
    #endif
}

/// The library and its version, as `oneDNN 2.6.3`; nil in a build without it.
package var oneDNNVersion: String? { OneDNN.version }
