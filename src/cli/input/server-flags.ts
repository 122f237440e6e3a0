import type { HandlerOptions } from '../../http/options/handler-options.ts'
import type { LogLevel } from '../process/server-log.ts'
import type { StoreFlags } from '../target/open-store.ts'

/** The flags that `serve` and `mcp` share. */
export interface ServerFlags extends StoreFlags {
  readonly tools?: string
  /** A file with `mcpServers`, each started by the first workflow that names it. */
  readonly mcp?: string
  /** A folder of registered workflows. */
  readonly workflows?: string
  readonly logLevel: LogLevel
  /** Default and maximum timeout of an execution, ms. */
  readonly timeout?: number
  /** Default and maximum number of concurrent tasks of an execution. */
  readonly concurrency?: number
  readonly maxExecutions?: number
  /** Token budget of one execution, input and output together. */
  readonly maxTokens?: number
  /** Cost budget of one execution, US dollars. */
  readonly maxCost?: number
}

/** The defaults are those of `createHandler`. */
export function toBounds(options: ServerFlags & { readonly drain: number }): Partial<HandlerOptions> {
  const { timeout, concurrency, maxExecutions, maxTokens, maxCost, drain } = options
  return {
    drainMs: drain,
    ...(timeout !== undefined && { timeoutMs: timeout }),
    ...(concurrency !== undefined && { maxConcurrency: concurrency }),
    ...(maxExecutions !== undefined && { maxExecutions }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(maxCost !== undefined && { maxCost }),
  }
}
