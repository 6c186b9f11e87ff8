/// What runs on this host, and what confines it.
public struct ServiceHealth: Sendable {
    /// One layer of a sandbox.
    public struct Layer: Sendable {
        public let name: String
        /// `active`, `degraded` or `missing`.
        public let state: String
        /// What it holds, or why it does not.
        public let detail: String

        package init(name: String, state: String, detail: String) {
            self.name = name
            self.state = state
            self.detail = detail
        }
    }

    /// A language that has started.
    public struct RunningLanguage: Sendable {
        public let languageID: String
        public let engine: String
        public let layers: [Layer]

        package init(languageID: String, engine: String, layers: [Layer]) {
            self.languageID = languageID
            self.engine = engine
            self.layers = layers
        }
    }

    /// Worker processes at this moment.
    public let workers: Int
    /// Workers so far that were replaced because their state could not be put back.
    public let retiredWorkers: Int
    /// `required`, `best-effort` or `off`.
    public let sandbox: String
    public let controlGroups: Layer
    public let languages: [RunningLanguage]

    package init(
        workers: Int, retiredWorkers: Int, sandbox: String, controlGroups: Layer, languages: [RunningLanguage]
    ) {
        self.workers = workers
        self.retiredWorkers = retiredWorkers
        self.sandbox = sandbox
        self.controlGroups = controlGroups
        self.languages = languages
    }
}
