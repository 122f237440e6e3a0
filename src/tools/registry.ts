import type { StandardSchemaV1 } from '@standard-schema/spec'
import { DagstreamError, describeValue, invalidOption } from '../errors.ts'
import { createArgumentChecker } from './argument-checker.ts'
import type { ArgumentProblem, CheckedArguments } from './argument-problem.ts'
import { quoteName } from './json-pointer.ts'
import type { Clock } from '../clock.ts'
import { type Gate, RatedGate } from './gate.ts'
import { createLimit, isLimit, type Limit } from './limit.ts'
import { findRateFault, type Rate } from './rate.ts'
import { describeNumber, matchesNumber, RETRY_SCHEMAS, TIMEOUT_SCHEMA } from './retry-schema.ts'
import type { JsonSchema, Tool, ToolContext } from './tool.ts'
import { cutText } from '../text.ts'

/** Arguments of unknown type. */
// oxlint-disable-next-line typescript/no-explicit-any -- `unknown` would refuse tools whose arguments are an interface
type AnyArguments = Record<string, any>

/** A tool with any arguments and output. */
export interface AnyTool extends Omit<Tool, 'inputSchema' | 'execute' | 'maskArguments'> {
  readonly inputSchema?: JsonSchema | StandardSchemaV1
  maskArguments?(args: AnyArguments): unknown
  execute(args: AnyArguments, context: ToolContext): unknown
}

/** A tool that is only a function; its name is its key in the record. */
export type ToolFunction = { call(args: AnyArguments, context: ToolContext): unknown }['call']

/** A tool in a record: its name is its key and may be omitted. */
export type NamelessTool = Omit<AnyTool, 'name'> & { readonly name?: string }

/** The accepted forms of the tools of an execution. */
export type ToolSource = readonly AnyTool[] | Readonly<Record<string, NamelessTool | ToolFunction>> | ToolRegistry

/** A validated tool, with its limit and its schema compiled, for the engine. */
export interface RegisteredTool {
  readonly name: string
  readonly version?: string
  /** The original definition. */
  readonly tool: AnyTool
  /** The shared limit, or a limit created once from the tool's number. */
  readonly limit?: Limit
  readonly rate?: Rate
  /** What each call of it needs within one process: its limit, its rate, or both. */
  readonly gate?: Gate
  /** Delays all further calls, where it has a rate. */
  readonly pause?: (delayMs: number, clock: Clock) => void
  readonly timeoutMs?: number
  readonly retry?: NonNullable<Tool['retry']>
  /** Whether its arguments may hold a `JsonNumber`. */
  readonly exactNumbers: boolean
  /** A task with it is a parent, whose other children it adds. */
  readonly isPlanner: boolean
  /** Whether arguments are checked against a schema. */
  readonly hasSchema: boolean
  /** Checks resolved arguments. Returns a promise only for an asynchronous schema. Never throws or rejects. */
  checkArguments(value: unknown): CheckedArguments | Promise<CheckedArguments>
  /** Checks arguments before anything runs, without problems that references decide. `references` are JSON Pointers. */
  checkUnresolvedArguments(value: unknown, references: readonly string[]): readonly ArgumentProblem[]
  execute(args: unknown, context: ToolContext): unknown
}

/** 1–200 characters, no control character, no lone surrogate. */
export const TOOL_NAME_PATTERN: string = '^[^\\p{Cc}\\p{Cs}]{1,200}$'

const toolName = new RegExp(TOOL_NAME_PATTERN, 'u')

/** The tools that workflows may name, in order of registration. */
export class ToolRegistry {
  readonly #tools = new Map<string, RegisteredTool>()
  #known: WeakMap<AnyTool, RegisteredTool> | undefined

  /** @throws `INVALID_TOOL` or `INVALID_OPTION`, see `register` */
  constructor(tools: ToolSource = []) {
    this.#add(tools)
  }

  #add(tools: ToolSource): void {
    if (tools instanceof ToolRegistry) for (const { tool } of tools) this.register(tool)
    else if (Array.isArray(tools)) for (const tool of tools as readonly AnyTool[]) this.register(tool)
    else if (typeof tools === 'object' && tools !== null) {
      refuseProvider(tools)
      for (const [key, value] of Object.entries(tools)) this.register(nameTool(key, value))
    } else throw invalidOption('tools', 'an array of tools, an object of them, or a ToolRegistry', tools)
  }

  /**
   * Builds the registry of a source; returns a registry as it is.
   * @throws `INVALID_TOOL` or `INVALID_OPTION`, see `register`
   */
  static from(source: ToolSource): ToolRegistry {
    return source instanceof ToolRegistry ? source : new ToolRegistry(source)
  }

  /**
   * Builds the registry of a source, reusing the limits and compiled schemas of tools in `known`. Adds new tools to
   * `known`.
   * @internal
   * @throws `INVALID_TOOL` or `INVALID_OPTION`, see `register`
   */
  static reusing(source: ToolSource, known: WeakMap<AnyTool, RegisteredTool>): ToolRegistry {
    if (source instanceof ToolRegistry) return source
    const registry = new ToolRegistry()
    registry.#known = known
    registry.#add(source)
    return registry
  }

  /** Adds a tool. @throws `INVALID_TOOL` for an invalid definition or a duplicate name */
  register(tool: AnyTool): this {
    const registered = this.#known?.get(tool) ?? normalise(tool)
    const { name } = registered
    if (this.#tools.has(name)) throw invalidTool(`There are two tools named ${quoteName(name)}; give one another name`)
    this.#tools.set(name, registered)
    this.#known?.set(tool, registered)
    return this
  }

  get(name: string): RegisteredTool | undefined {
    return this.#tools.get(name)
  }

  has(name: string): boolean {
    return this.#tools.has(name)
  }

  names(): string[] {
    return [...this.#tools.keys()]
  }

  [Symbol.iterator](): Iterator<RegisteredTool> {
    return this.#tools.values()
  }
}

/** Rejects a `ToolProvider`, which would otherwise pass as a record of two function tools. */
function refuseProvider(source: object): void {
  const { toolsFor, tools } = source as Readonly<Record<string, unknown>>
  if (typeof toolsFor !== 'function' || typeof tools !== 'function') return
  const message =
    'Expected `tools` to be tools, got a provider of them: pass the result of `await provider.toolsFor(workflow)`'
  throw new DagstreamError('INVALID_OPTION', message, { details: { option: 'tools' } })
}

function invalidTool(message: string): DagstreamError {
  return new DagstreamError('INVALID_TOOL', message)
}

function nameTool(key: string, value: NamelessTool | ToolFunction): AnyTool {
  if (typeof value === 'function') return { name: key, execute: value }
  if (typeof value !== 'object' || value === null) {
    throw invalidTool(`Tool ${quoteName(key)}: expected a tool or a function, got ${describeValue(value)}`)
  }
  if (value.name === key) return value as AnyTool
  if (value.name !== undefined) {
    throw invalidTool(
      `Tool ${quoteName(key)}: expected \`name\` to be its key or absent, got ${describeValue(value.name)}`,
    )
  }
  // Inherits instead of copying, so that a class instance keeps its methods and fields.
  return Object.create(value, { name: { value: key, enumerable: true } }) as AnyTool
}

function normalise(tool: AnyTool): RegisteredTool {
  if (typeof tool !== 'object' || tool === null) {
    throw invalidTool(`Expected a tool, \`{ name, execute }\`, got ${describeValue(tool)}`)
  }
  const { name, version, inputSchema, timeoutMs, exactNumbers = false } = tool
  if (typeof name !== 'string' || !toolName.test(name)) {
    const expected = 'a string of 1–200 characters without control characters'
    throw invalidTool(`Expected a tool's \`name\` to be ${expected}, got ${describeValue(name)}`)
  }
  const expectField = (isExpected: boolean, field: string, expected: string, found: unknown): void => {
    if (isExpected) return
    const message = `Tool ${quoteName(name)}: expected \`${field}\` to be ${expected}, got ${describeValue(found)}`
    throw new DagstreamError('INVALID_TOOL', message, { details: { tool: name, field } })
  }
  const execute: unknown = Reflect.get(tool, 'execute')
  expectField(typeof execute === 'function', 'execute', 'a function', execute)
  const isVersion = version === undefined || (typeof version === 'string' && toolName.test(version))
  expectField(isVersion, 'version', 'a string of 1–200 characters without control characters', version)
  expectField(
    timeoutMs === undefined || matchesNumber(TIMEOUT_SCHEMA, timeoutMs),
    'timeoutMs',
    describeNumber(TIMEOUT_SCHEMA),
    timeoutMs,
  )
  expectField(typeof exactNumbers === 'boolean', 'exactNumbers', 'a boolean', exactNumbers)
  expectField([undefined, true].includes(tool.planner), 'planner', 'true or absent', tool.planner)
  expectField(
    tool.checkArguments === undefined || typeof tool.checkArguments === 'boolean',
    'checkArguments',
    'true or false',
    tool.checkArguments,
  )
  const mask: unknown = Reflect.get(tool, 'maskArguments')
  expectField(mask === undefined || typeof mask === 'function', 'maskArguments', 'a function', mask)
  const isRetry = tool.retry === undefined || (typeof tool.retry === 'object' && tool.retry !== null)
  expectField(isRetry, 'retry', 'an object', tool.retry)
  const retry = tool.retry === undefined ? undefined : Object.freeze({ ...tool.retry })
  for (const [field, value] of Object.entries(retry ?? {})) {
    const schema = Object.hasOwn(RETRY_SCHEMAS, field) ? RETRY_SCHEMAS[field as keyof typeof RETRY_SCHEMAS] : undefined
    const fields = Object.keys(RETRY_SCHEMAS).join(', ')
    expectField(schema !== undefined, `retry.${cutText(field, 40)}`, `absent (known are ${fields})`, value)
    if (schema && value !== undefined) {
      expectField(matchesNumber(schema, value), `retry.${field}`, describeNumber(schema), value)
    }
  }
  const limit = tool.limit
  const isUsable =
    limit === undefined || (typeof limit === 'number' ? Number.isInteger(limit) && limit > 0 : isLimit(limit))
  expectField(isUsable, 'limit', 'a positive integer or the result of createLimit()', limit)
  const rateFault = tool.rate === undefined ? undefined : findRateFault(tool.rate)
  if (rateFault !== undefined) expectField(false, ...rateFault)
  const isChecked = inputSchema !== undefined && tool.checkArguments !== false
  const isSchema = typeof inputSchema === 'function' || (typeof inputSchema === 'object' && inputSchema !== null)
  // A schema used for checks is validated by `createArgumentChecker`.
  expectField(
    isChecked || inputSchema === undefined || isSchema,
    'inputSchema',
    'a JSON Schema or a Standard Schema',
    inputSchema,
  )
  const checker = isChecked ? createArgumentChecker(name, inputSchema, exactNumbers) : undefined
  return Object.freeze({
    name,
    ...(version !== undefined && { version }),
    tool,
    ...createGate(typeof limit === 'number' ? createLimit(limit) : limit, tool.rate),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry && { retry }),
    exactNumbers,
    isPlanner: tool.planner === true,
    hasSchema: checker !== undefined,
    checkArguments: (value: unknown) => checker?.check(value) ?? { value, problems: [] },
    checkUnresolvedArguments: (value: unknown, references: readonly string[]) =>
      checker?.checkUnresolved(value, references) ?? [],
    execute: (args: unknown, context: ToolContext) => tool.execute(args as AnyArguments, context),
  })
}

/** The limit and the rate of a tool, and what grants its calls. */
function createGate(
  limit: Limit | undefined,
  given: Rate | undefined,
): Pick<RegisteredTool, 'limit' | 'rate' | 'gate' | 'pause'> {
  if (given === undefined) return limit === undefined ? {} : { limit, gate: limit }
  const rate = Object.freeze({ max: given.max, perMs: given.perMs })
  const gate = new RatedGate(rate, limit)
  return { ...(limit !== undefined && { limit }), rate, gate, pause: (delayMs, clock) => gate.pause(delayMs, clock) }
}
