/** Where `serve` keeps executions unless it is told otherwise, from the working directory. */
export const DEFAULT_STORE = '.dagstream/executions.db'
