// Events, results and documents are JSON: whoever uses the model uses its values too.
@_exported import JSON
