/** Default store of `serve`, relative to the working directory. */
export const DEFAULT_STORE = '.dagstream/executions.db'
