import { DagstreamError, expectMethods, expectObject } from '../../../errors.ts'
import { makeSendable } from '../../../tools/sendable-arguments.ts'
import type { PlanRoom } from '../../../tools/plan-room.ts'
import type { JsonSchema, Tool, ToolContext } from '../../../tools/tool.ts'
import { type ChatToolOptions, limitOf } from '../chat-tool.ts'
import type { LLMProvider } from '../provider.ts'
import { planTasks } from './plan-tasks.ts'

/** Options of a tool that plans. */
export interface PlanToolOptions extends Omit<ChatToolOptions, 'name' | 'system'> {
  /** @defaultValue `llm:plan` */
  readonly name?: string
  /** Budget of the prompt, tokens of three bytes. @defaultValue 16,000 */
  readonly maxPromptTokens?: number
}

/** Arguments of a task that plans. */
export interface PlanArguments {
  /** What the plan is for. */
  readonly prompt: string
  readonly model?: string
  /** How often refused lines go back to the model, 0–10. @defaultValue 2 */
  readonly repairs?: number
  /** What starts before the plan is complete: tasks that only call read-only tools, or all. @defaultValue `read-only` */
  readonly eager?: 'read-only' | 'all'
}

/** Output of the planner, the first child of its task: the tasks that it planned. The task itself has their outputs, by id. */
export interface PlanOutput {
  readonly tasks: readonly unknown[]
}

const inputSchema: JsonSchema = {
  type: 'object',
  properties: {
    prompt: { type: 'string', minLength: 1, description: 'What the plan is for.' },
    model: { type: 'string', minLength: 1 },
    repairs: { type: 'integer', minimum: 0, maximum: 10, description: 'How often refused tasks go back to the model.' },
    eager: { enum: ['read-only', 'all'], description: 'The tools that start before the plan is complete.' },
  },
  required: ['prompt'],
  additionalProperties: false,
}

/**
 * A tool that asks a model for tasks. They join the execution as children of the task while the model writes, and run as soon as
 * they can; the task ends with their outputs once all of them have ended.
 *
 * Failures and usage are those of a chat tool; a plan that stays invalid is `INVALID_WORKFLOW`, and not retried. A further attempt
 * keeps the tasks of the one before. It runs in the process of its execution, not on workers.
 * @throws `INVALID_OPTION`
 */
export function createPlanTool(provider: LLMProvider, options: PlanToolOptions = {}): Tool<PlanArguments, PlanOutput> {
  expectMethods('provider', provider, ['generate', 'generateStream'])
  const { extra, omit, idleTimeoutMs, firstTokenTimeoutMs, maxPromptTokens } = expectObject('options', options)
  return {
    name: options.name ?? 'llm:plan',
    description: options.description ?? 'Asks a language model for tasks, and runs them while it writes them.',
    planner: true,
    inputSchema,
    limit: options.limit ?? limitOf(provider),
    timeoutMs: options.timeoutMs ?? 0,
    retry: { maxAttempts: 3, ...options.retry },
    async execute(given, context) {
      const { plan: room, signal, traceparent, emitToken, reportUsage, log } = context
      const { prompt, model = options.model, repairs } = makeSendable(given, log)
      if (room === undefined) throw unavailable()
      const params = {
        onNotice: (message: string) => log('warning', message),
        ...(traceparent !== undefined && { traceparent }),
        ...(extra !== undefined && { extra }),
        ...(omit !== undefined && { omit }),
        ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
        ...(firstTokenTimeoutMs !== undefined && { firstTokenTimeoutMs }),
      }
      const tasks = planTasks({
        provider,
        prompt,
        tools: room.tools,
        // After an abort the rest of the answer is read for its usage only.
        checks: { add: definition => (signal.aborted ? [] : room.add(definition)) },
        accepted: room.accepted,
        params,
        signal,
        onText: emitToken,
        onUsage: reportUsage,
        onRefused: rejectOnce(room, log),
        ...(model !== undefined && { model }),
        ...(repairs !== undefined && { repairs }),
        ...(maxPromptTokens !== undefined && { maxPromptTokens }),
      })
      try {
        // Each task has joined before the next one is read.
        for await (const _ of tasks);
      } catch (error) {
        throw isFinal(error) ? Object.assign(error, { retryable: false }) : error
      }
      return { tasks: room.accepted }
    },
  }
}

/** A line that still waits after a repair was recorded before it. */
function rejectOnce(
  room: PlanRoom,
  log: ToolContext['log'],
): NonNullable<Parameters<typeof planTasks>[0]['onRefused']> {
  const recorded = new Set<number>()
  return refused => {
    const fresh = refused.filter(({ line }) => !recorded.has(line))
    for (const { line, issues } of fresh) {
      recorded.add(line)
      room.reject(line, issues)
    }
    if (fresh.length > 0) log('warning', `${fresh.length} of the planned lines were refused`)
  }
}

/** The model had its repairs. */
function isFinal(error: unknown): error is DagstreamError {
  return error instanceof DagstreamError && (error.code === 'INVALID_WORKFLOW' || error.code === 'INVALID_OPTION')
}

function unavailable(): Error {
  const message =
    'A task that plans runs in the process of its execution only: give this tool to the server, not to a worker'
  return Object.assign(new DagstreamError('TOOLS_UNAVAILABLE', message), { retryable: false })
}
