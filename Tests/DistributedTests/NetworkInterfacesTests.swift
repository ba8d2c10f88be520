import Testing

@testable import Distributed

@Suite struct NetworkInterfacesTests {
    private func tried(_ environment: [String: String]) -> Substring? {
        let remedy = NetworkInterfaces.remedy(
            [("eth0", "10.0.0.1"), ("docker0", "172.17.0.1")], environment: environment)
        #expect(remedy.contains("DURE_INTERFACE"))
        return remedy.split(separator: "tried here: ").last
    }

    @Test func thoseThatOpenMPITriesAreNamed() {
        #expect(tried([:]) == "eth0 10.0.0.1, docker0 172.17.0.1")
        #expect(tried(["OMPI_MCA_btl_tcp_if_exclude": "lo,docker0"]) == "eth0 10.0.0.1")
        #expect(tried(["OMPI_MCA_btl_tcp_if_include": "ib0"]) == "ib0")
        #expect(tried(["OMPI_MCA_btl_tcp_if_exclude": "eth0,docker0"]) == "none")
    }

    @Test func theInterfaceOfTheHostAloneIsNoneOfThem() {
        #expect(!NetworkInterfaces.here().contains { $0.address.hasPrefix("127.") })
    }
}
