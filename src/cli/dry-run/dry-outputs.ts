import { JsonValue } from '../../events/json-value.ts'
import type { RecordedTasks } from '../../engine/reuse/recorded-tasks.ts'
import type { AnyTool } from '../../tools/registry.ts'
import type { ToolContext } from '../../tools/tool.ts'
import { makeExample } from './example-value.ts'

/** Where the output of a task comes from in a dry run. */
export type OutputOrigin = 'given' | 'recorded' | 'example' | 'unknown'

/** A call that a dry run left out. */
export interface OmittedCall {
  readonly taskId: string
  readonly tool: string
  readonly arguments: unknown
  readonly origin: OutputOrigin
}

/** The sources of a dry run: outputs by task id, and an earlier execution. */
export interface OutputSources {
  readonly given: ReadonlyMap<string, unknown>
  readonly recorded: RecordedTasks | undefined
}

/** Stands in for tools: finds outputs, and calls nothing. */
export class DryOutputs {
  readonly #sources: OutputSources
  readonly #calls: OmittedCall[] = []
  readonly #used = new Set<string>()

  constructor(sources: OutputSources) {
    this.#sources = sources
  }

  /** In the order in which they would have begun. */
  get calls(): readonly OmittedCall[] {
    return this.#calls
  }

  /** Ids of given outputs that no task had. */
  get unusedIds(): readonly string[] {
    return [...this.#sources.given.keys()].filter(id => !this.#used.has(id))
  }

  /** The same tools by name and schema, without their calls, limits and retries. */
  replace(tools: Iterable<AnyTool>): AnyTool[] {
    return Array.from(tools, (tool): AnyTool => {
      const { name, version, inputSchema, checkArguments, readOnly } = tool
      return {
        name,
        ...(version !== undefined && { version }),
        ...(inputSchema !== undefined && { inputSchema: keepArguments(inputSchema) }),
        ...(checkArguments !== undefined && { checkArguments }),
        ...(readOnly !== undefined && { readOnly }),
        exactNumbers: true,
        timeoutMs: 0,
        retry: { maxAttempts: 1 },
        execute: (args, context) => this.#find(tool, args, context),
      }
    })
  }

  #find(tool: AnyTool, args: unknown, { taskId, log }: ToolContext): unknown {
    const { name, version, outputSchema } = tool
    const note = (origin: OutputOrigin): void =>
      void this.#calls.push({ taskId, tool: name, arguments: JsonValue.from(args).read(), origin })
    const { given, recorded } = this.#sources
    if (given.has(taskId)) {
      this.#used.add(taskId)
      note('given')
      return given.get(taskId)
    }
    const found = recorded?.find(taskId, { name, ...(version !== undefined && { version }) }, () => args)
    if (found !== undefined) {
      note('recorded')
      return found.output.read()
    }
    if (outputSchema !== undefined) {
      note('example')
      return makeExample(outputSchema)
    }
    note('unknown')
    log('warning', 'No output is known: null stands for it')
    return null
  }
}

/** A Standard Schema may change arguments; recorded ones are as they were resolved. */
function keepArguments(schema: NonNullable<AnyTool['inputSchema']>): NonNullable<AnyTool['inputSchema']> {
  if (!('~standard' in schema)) return schema
  const standard = (schema as { readonly '~standard': { validate(value: unknown): unknown } })['~standard']
  const validate = (value: unknown): unknown => {
    const keep = (result: unknown): unknown =>
      (result as { readonly issues?: unknown }).issues === undefined ? { value } : result
    const result = standard.validate(value)
    return result instanceof Promise ? result.then(keep) : keep(result)
  }
  return { '~standard': { ...standard, validate } }
}
