import Builds
import FunctionExecution

extension FunctionRuntime {
    /// A runtime that builds ES modules and TypeScript with esbuild, as ``Configuration/esbuild`` says.
    public convenience init(configuration: Configuration = Configuration()) {
        self.init(configuration: configuration, sourceBuilder: ScriptBuilds(configuration))
    }
}
