import ServiceLifecycleTestKit
import Testing

@testable import BerthServer

@Suite("Requests that wait for a change")
struct PatienceTests {
    @Test("When all places are taken one is answered at once; a place given back can be taken")
    func places() async throws {
        let patience = Patience(places: 1)
        let second = try await patience.hold {
            try await patience.hold { "waited" }
        }
        #expect(second == .some(nil))
        #expect(try await patience.hold { "waited" } == "waited")
    }

    @Test("A server that stops waits for nobody who waits")
    func shutdown() async throws {
        try await testGracefulShutdown { trigger in
            let patience = Patience()
            let waited: Void? = try await patience.hold {
                trigger.triggerGracefulShutdown()
                try await Task.sleep(for: .seconds(60))
            }
            #expect(waited == nil)
        }
    }
}
