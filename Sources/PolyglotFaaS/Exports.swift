// One import is enough: requests, results and errors are FunctionModel's types.
@_exported import FunctionModel
