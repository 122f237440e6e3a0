// Checked by the compiler alone: `npm run typecheck`.
import { z } from 'zod'
import {
  compileWorkflow,
  createLimit,
  type DAGStructure,
  defineTool,
  type Execution,
  type ExecutionPlan,
  type ExecutionResult,
  ParallelExecutor,
  StreamingExecutor,
  type SSEEvent,
  type Tool,
  type ToolContext,
} from '../../src/index.ts'
import type { Equal, Expect } from './equal.ts'

/** Arguments and output are inferred from a Standard Schema: what it gives, not what it takes. */
export const fetchTool = defineTool({
  name: 'fetch',
  inputSchema: z.object({ url: z.string(), times: z.coerce.number().default(1), tag: z.string().optional() }),
  execute: ({ url, times, tag }, { signal, emitToken }) => {
    emitToken(tag ?? '')
    signal.throwIfAborted()
    return { length: url.length * times }
  },
})
export type SchemaIsInferred = Expect<
  Equal<typeof fetchTool, Tool<{ url: string; times: number; tag?: string | undefined }, { length: number }>>
>

/** Arguments may be named, with an interface too. */
interface AddArguments {
  readonly a: number
  readonly b: number
}
export const addTool = defineTool<AddArguments, number>({
  name: 'add',
  limit: createLimit(2),
  execute: ({ a, b }) => a + b,
})
export type OutputMayBeAPromise = Expect<Equal<ReturnType<typeof addTool.execute>, number | Promise<number>>>

/** Without a schema the arguments are an object of unknown values. */
export const plainTool = defineTool({ name: 'plain', execute: args => args['any'] })
export type PlainArguments = Expect<Equal<Parameters<typeof plainTool.execute>[0], Record<string, unknown>>>

export const wrongUse = defineTool({
  name: 'wrong',
  inputSchema: z.object({ url: z.string() }),
  // @ts-expect-error -- the schema has no `uri`
  execute: ({ uri }) => String(uri),
})

// @ts-expect-error -- a tool needs a name
defineTool({ execute: () => 1 })

// @ts-expect-error -- a limit is a number or what createLimit gives
defineTool({ name: 'limited', limit: '3', execute: () => 1 })

export function contextIsReadOnly(context: ToolContext): void {
  // @ts-expect-error -- what a tool is given is not for changing
  context.attempt = 2
  // @ts-expect-error -- `loud` is no level
  context.log('loud', 'message')
  // @ts-expect-error -- usage has no such field
  context.reportUsage({ tokens: 5 })
}

/** Tools of different arguments stand side by side, in every form. */
export const executor = new StreamingExecutor([fetchTool, addTool, plainTool])
export const fromRecord = new ParallelExecutor({
  fetchTool: { inputSchema: { type: 'object' }, execute: () => 1 },
  add: (args: AddArguments) => args.a + args.b,
  inline: ({ text }: { text: string }, context) => context.taskId + text,
})

export const document: DAGStructure = { tasks: [{ id: 'a', tool: 'add', arguments: { a: 1, b: 2 } }] }
export const plan: ExecutionPlan = compileWorkflow(document, [addTool])
export type ExecuteGivesAResult = Expect<Equal<ReturnType<typeof executor.execute>, Promise<ExecutionResult>>>
export type StreamGivesAnExecution = Expect<Equal<ReturnType<typeof executor.stream>, Execution>>

export async function reads(): Promise<void> {
  const execution = executor.stream(plan, { schedule: 'dataflow', maxConcurrency: 2, input: { any: 1 } })
  for await (const event of execution) event satisfies SSEEvent
  const { results } = await execution.result
  // @ts-expect-error -- an output is unknown until it is looked at
  void results[0]?.output.length
  // @ts-expect-error -- there is no such option
  void executor.execute(document, { concurrency: 2 })
  // @ts-expect-error -- nor such a schedule
  void executor.execute(document, { schedule: 'fast' })
  // @ts-expect-error -- a task needs an id
  void executor.execute({ tasks: [{ tool: 'a' }] })
}
