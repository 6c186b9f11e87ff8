import ArgumentParser
import FaaSCommands

@main
enum FaasMain {
    static func main() async {
        await Faas.main(nil)
    }
}
