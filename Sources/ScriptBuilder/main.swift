BuildProcess.run()
