#if OneDNN
    import COneDNN
#endif

/// The release of oneDNN, as `2.6.3`; nil in a build without it.
package func oneDNNVersion() -> String? {
    #if OneDNN
        guard let version = dnnl_version()?.pointee else { return nil }
        return "\(version.major).\(version.minor).\(version.patch)"
    #else
        nil
    #endif
}

/// oneDNN's matrix products, on the calling thread alone.
enum OneDNN {
    #if OneDNN
        static let isBuiltIn = true
    #else
        static let isBuiltIn = false
    #endif
}
