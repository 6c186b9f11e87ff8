extension Language {
    /// What the host does for a language and not for every other. Every field defaults to what a language needs least.
    package struct Capabilities: Sendable {
        /// Whether a source may be an ES module, TypeScript or JSX, or import other files of its folder. The host
        /// builds such a source into one script. Default: no.
        package var buildsModules = false
        /// Whether a manifest may name packages (`requirements`), which are installed with pip. Default: no.
        package var installsPackages = false
        /// Whether a function may bring a folder of source files (`sourceDir`). Default: no.
        package var hasSourceFolder = false
        /// Whether a function can use temporary files (`temporaryMB`). Default: no, and its workers cannot write files.
        package var hasTemporaryFiles = false
        /// Whether workers learn which libraries first calls import (`learnImports`). Default: no.
        package var learnsImports = false
        /// Whether the engine reads other settings when it starts for workers that keep their state (isolation
        /// `instance`). Those workers are then forked from a zygote of their own. Default: no.
        package var startsAnewToKeepState = false
        /// How the engine reports that memory was refused. Default: it has no such error.
        package var outOfMemory: ErrorPattern?

        package init(
            buildsModules: Bool = false, installsPackages: Bool = false, hasSourceFolder: Bool = false,
            hasTemporaryFiles: Bool = false, learnsImports: Bool = false, startsAnewToKeepState: Bool = false,
            outOfMemory: ErrorPattern? = nil
        ) {
            self.buildsModules = buildsModules
            self.installsPackages = installsPackages
            self.hasSourceFolder = hasSourceFolder
            self.hasTemporaryFiles = hasTemporaryFiles
            self.learnsImports = learnsImports
            self.startsAnewToKeepState = startsAnewToKeepState
            self.outOfMemory = outOfMemory
        }
    }

    /// Recognises one of an engine's own errors.
    package struct ErrorPattern: Sendable {
        /// The error's name, for example `RangeError`.
        package var name: String
        /// What its message begins with. Default: anything.
        package var messagePrefix: String

        package init(name: String, messagePrefix: String = "") {
            self.name = name
            self.messagePrefix = messagePrefix
        }

        package func matches(name: String, message: String) -> Bool {
            name == self.name && message.hasPrefix(messagePrefix)
        }
    }

    /// The names of the languages that have a capability, for messages: `Python`, or `Python and Ruby`.
    package static func names(with capability: KeyPath<Capabilities, Bool>, among languages: [Language] = all) -> String
    {
        languages.filter { $0.capabilities[keyPath: capability] }.map(\.name).joined(separator: " and ")
    }

    /// Source text that shows how a handler is written in this language.
    package struct Examples: Sendable {
        /// The handler that `faas init` writes. It answers `{"message":"Hello, <name>!"}`.
        package var template: String
        /// The handler that the demo runs, and its event. A language without one is not in the demo.
        package var demo: (source: String, event: JSONValue)?

        package init(template: String = "", demo: (source: String, event: JSONValue)? = nil) {
            self.template = template
            self.demo = demo
        }
    }
}
