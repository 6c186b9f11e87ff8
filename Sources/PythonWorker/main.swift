import WorkerRuntime

Zygote.run(PythonRuntime())
