import Glibc
import WorkerRuntime

// The host asks for the version before it installs packages: no interpreter has to start for it.
if CommandLine.arguments.contains("--version") {
    print(PythonRuntime.version)
    exit(0)
}
Zygote.run(PythonRuntime())
