import type { Dispatcher } from '../../cluster/order.ts'
import { isSharedStore } from '../../cluster/shared-store.ts'
import { DagstreamError, expectMethods, expectObject, invalidOption } from '../../errors.ts'
import {
  EXECUTION_OPTIONS,
  type ExecutionOptions,
  expectObservers,
  isAtLeastZero,
  resolveOptions,
} from '../../engine/options.ts'
import { defaultFormat, type Format } from '../../sse/formats.ts'
import { WorkflowRegistry, type WorkflowSource } from '../../plan/workflow-registry.ts'
import { createMemoryStore } from '../../store/memory-store.ts'
import type { ToolSource } from '../../tools/registry.ts'
import { Suggestions } from '../../tools/suggestion.ts'
import { createToolResolver, type ToolProvider } from '../../tools/tool-resolver.ts'
import { type DisconnectRule, parseDisconnectRule } from '../../host/execution/disconnect-policy.ts'
import { CLUSTER_OPTIONS, resolveClusterOptions } from '../../host/cluster/cluster-options.ts'
import { dispatchOrders } from '../../host/cluster/dispatching-store.ts'
import type { HostOptions } from '../../host/host-options.ts'
import type { ExecutionObserver } from '../../engine/observers/execution-observer.ts'
import type { Authorize } from '../security/authorize.ts'
import { parseAllowedHosts } from '../security/host-guard.ts'

/** Options of a handler. The execution options among them are the defaults and upper bounds of its executions. */
export interface HandlerOptions extends ExecutionOptions {
  /** A provider is asked before each workflow starts; the handler does not close it. */
  readonly tools: ToolSource | ToolProvider
  /**
   * Workflows that clients may start by name, and that tasks may name: documents by name, all of them checked at once, or a
   * registry. With a provider of tools, tools and arguments are checked when a workflow is used.
   */
  readonly workflows?: WorkflowSource
  /** Identifies the caller and allows or refuses the action, on every route. @defaultValue everybody may do everything */
  readonly authorize?: Authorize
  /** The token, or one of the tokens, that every request must send as `Authorization: Bearer …`. @defaultValue none */
  readonly token?: string | readonly string[]
  /** The `Host`s, without port, that are answered; others get 403. Against DNS rebinding. @defaultValue any */
  readonly allowedHosts?: readonly string[]
  /** The origins whose pages may read answers (CORS). @defaultValue only the server's own */
  readonly allowedOrigins?: readonly string[]
  /**
   * The disconnect rule of requests that give none. @defaultValue `{ graceMs: 30000 }`, and `"continue"` with `Prefer:
   * respond-async`
   */
  readonly onDisconnect?: DisconnectRule
  /** Maximum number of concurrent executions; further requests get 429. @defaultValue 100 */
  readonly maxExecutions?: number
  /** Maximum number of open event streams; further requests get 429. @defaultValue 1,000 */
  readonly maxSubscribers?: number
  /** Time without an event after which a heartbeat is sent, ms. @defaultValue 8,000 */
  readonly heartbeatMs?: number
  /** Time without progress after which a reader is disconnected, ms. @defaultValue 30,000 */
  readonly stallTimeoutMs?: number
  /**
   * Time for which `close` lets running executions continue before it hands off or cancels them, ms. @defaultValue 10,000
   */
  readonly drainMs?: number
  /**
   * Time for which a plan that breaks off waits for its planner, ms: with an `Idempotency-Key`, and after a crash. Then it ends, or
   * counts as complete, as its `onPlanBreak` says. @defaultValue 30,000
   */
  readonly planGraceMs?: number
  /** Silence after which a plan that is being sent has broken off, ms. @defaultValue 120,000 */
  readonly planSilenceMs?: number
  /**
   * On a shared store: whether this process runs attempts, too, with the tools that it has. `false` needs workers.
   * @defaultValue true
   */
  readonly work?: boolean
  /** On a shared store: time after which the executions of a dead server are taken over, ms; at least 1,000. @defaultValue 10,000 */
  readonly leaseMs?: number
  /**
   * On a shared store: time after which a task whose tool no living worker has fails with `TOOLS_UNAVAILABLE`, ms.
   * @defaultValue 300,000
   */
  readonly toolsWaitMs?: number
  /**
   * On a shared store: maximum number of running attempts of one owner in the whole system. The store keeps it for all
   * processes. @defaultValue as the store has it: no bound
   */
  readonly maxRunningPerOwner?: number
  /** On a shared store: carries tasks to workers beside the store; all processes use the same. @defaultValue the store alone */
  readonly dispatcher?: Dispatcher
  /** The form of events on the wire. @defaultValue `id:`, `event:` and `data:` */
  readonly format?: Format
  /** Each receives the log entries of every execution that starts or resumes here. @defaultValue none */
  readonly observers?: readonly ExecutionObserver[]
  /**
   * Whether `POST /mcp` serves the workflows as tools of MCP, over Streamable HTTP. Needs the package `@modelcontextprotocol/sdk`,
   * which the first request loads. @defaultValue false
   */
  readonly mcpServer?: boolean
}

/** The options of a handler, all present and checked. */
export interface ResolvedHandlerOptions extends HostOptions {
  readonly authorize: Authorize | undefined
  readonly tokens: readonly string[]
  readonly allowedHosts: ReadonlySet<string> | undefined
  readonly allowedOrigins: readonly string[]
  readonly heartbeatMs: number
  readonly stallTimeoutMs: number
  readonly planSilenceMs: number
  readonly format: Format
  readonly mcpServer: boolean
}

/** The methods of a store that a handler calls. */
const STORE_METHODS = ['create', 'claim', 'append', 'read', 'putOutput', 'getOutput', 'get', 'list', 'delete']

const HANDLER_OPTIONS: readonly (keyof HandlerOptions)[] = [
  'tools',
  'workflows',
  'authorize',
  'token',
  'allowedHosts',
  'allowedOrigins',
  'onDisconnect',
  'maxExecutions',
  'maxSubscribers',
  'heartbeatMs',
  'stallTimeoutMs',
  'drainMs',
  'planGraceMs',
  'planSilenceMs',
  'format',
  'observers',
  'mcpServer',
  ...CLUSTER_OPTIONS,
]

/** @throws `INVALID_OPTION`, also for a name that is not an option; `INVALID_TOOL`; `INVALID_WORKFLOW` for one of `workflows` */
export function resolveHandlerOptions(given: HandlerOptions): ResolvedHandlerOptions {
  const {
    tools,
    workflows,
    authorize,
    token,
    allowedHosts,
    allowedOrigins,
    onDisconnect = { graceMs: 30_000 },
    maxExecutions = 100,
    maxSubscribers = 1000,
    heartbeatMs = 8000,
    stallTimeoutMs = 30_000,
    drainMs = 10_000,
    planGraceMs = 30_000,
    planSilenceMs = 120_000,
    format = defaultFormat,
    observers = [],
    mcpServer = false,
    work,
    leaseMs,
    toolsWaitMs,
    maxRunningPerOwner,
    dispatcher,
    ...rest
  } = expectObject('options', given)
  refuseUnknown(Object.keys(rest))
  const resolver = createToolResolver(tools)
  const shared = { work, leaseMs, toolsWaitMs, maxRunningPerOwner, dispatcher }
  const execution = resolveOptions(rest)
  const found = execution.store ?? createMemoryStore({ clock: execution.clock })
  expectMethods('store', found, STORE_METHODS)
  const isShared = isSharedStore(found)
  const cluster = resolveClusterOptions(shared, isShared)
  const store =
    isShared && cluster.dispatcher !== undefined ? dispatchOrders(found, cluster.dispatcher, execution.logger) : found
  for (const [name, value] of Object.entries({ authorize, format })) {
    if (value !== undefined && typeof value !== 'function') throw invalidOption(name, 'a function', value)
  }
  for (const [name, value] of Object.entries({ maxExecutions, maxSubscribers })) {
    if (value !== Number.POSITIVE_INFINITY && !(Number.isInteger(value) && value > 0)) {
      throw invalidOption(name, 'a positive integer or Infinity', value)
    }
  }
  for (const [name, value] of Object.entries({ heartbeatMs, stallTimeoutMs, planSilenceMs })) {
    if (!(isAtLeastZero(value) && value > 0)) throw invalidOption(name, 'a positive number of milliseconds', value)
  }
  expectObservers(observers)
  if (typeof mcpServer !== 'boolean') throw invalidOption('mcpServer', 'a boolean', mcpServer)
  for (const [name, value] of Object.entries({ drainMs, planGraceMs })) {
    if (!isAtLeastZero(value)) throw invalidOption(name, 'a number of milliseconds, 0 or more', value)
  }
  return {
    tools: resolver,
    workflows:
      workflows === undefined ? undefined : WorkflowRegistry.from(workflows, isShared ? undefined : resolver.registry),
    execution: { ...execution, store },
    authorize,
    tokens: resolveTokens(token),
    allowedHosts: allowedHosts && parseAllowedHosts(allowedHosts),
    allowedOrigins: parseOrigins(allowedOrigins ?? []),
    graceMs: parseDisconnectRule(onDisconnect),
    maxExecutions,
    maxSubscribers,
    heartbeatMs,
    stallTimeoutMs,
    drainMs,
    planGraceMs,
    planSilenceMs,
    format,
    observers: [...observers],
    mcpServer,
    isServer: true,
    cluster,
  }
}

/** RFC 6750, 2.1: the syntax of a bearer token. */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** A token that no request can carry locks every client out; an empty one locks none out. Messages never show its text. */
function resolveTokens(token: string | readonly string[] | undefined): readonly string[] {
  if (token === undefined) return []
  const tokens = typeof token === 'string' ? [token] : token
  const isUsable = Array.isArray(tokens) && tokens.length > 0
  if (isUsable && tokens.every(each => typeof each === 'string' && TOKEN.test(each))) return [...tokens]
  const expected = 'one or more characters of [A-Za-z0-9._~+/-], then any `=`, or an array of such tokens'
  throw new DagstreamError('INVALID_OPTION', `Expected \`token\` to be ${expected}`, { details: { option: 'token' } })
}

/** An origin that no browser sends, such as one with a path, would silently allow no page. */
function parseOrigins(origins: readonly string[]): readonly string[] {
  if (!Array.isArray(origins)) throw invalidOption('allowedOrigins', 'an array of origins', origins)
  for (const origin of origins as readonly unknown[]) {
    if (typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin) continue
    throw invalidOption('allowedOrigins', 'of origins as browsers send them, such as https://app.example', origin)
  }
  return [...origins]
}

/** @throws `INVALID_OPTION` with the names of all options */
function refuseUnknown(names: readonly string[]): void {
  const known = [...HANDLER_OPTIONS, ...EXECUTION_OPTIONS]
  for (const name of names) {
    if (known.includes(name)) continue
    const hint = new Suggestions(known, 'options').hintFor(name)
    throw new DagstreamError('INVALID_OPTION', `There is no option \`${name}\` of a handler. ${hint}`, {
      details: { option: name },
    })
  }
}
