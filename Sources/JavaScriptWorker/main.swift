import WorkerRuntime

Zygote.run(JavaScriptRuntime())
