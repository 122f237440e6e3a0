import { parseJson } from '../../json/parse-json.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import { type CommandContext, type ExitCode, UsageError } from '../process/console.ts'
import { toPlainLine } from '../render/text.ts'
import type { GivenAnswer, OpenInput } from '../target/execution-source.ts'
import type { SourceFlags } from '../target/open-source.ts'
import { type ShowFlags, withSource } from './executions-command.ts'
import { checkIds } from './watch-command.ts'

/** The flags of `executions answer`. */
export interface AnswerFlags extends SourceFlags {
  readonly decline?: true
}

/** Lists the open questions of one execution, or of all. */
export async function listInputs(
  executionId: string | undefined,
  options: ShowFlags,
  context: CommandContext,
): Promise<ExitCode> {
  const { stdout, stderr } = context
  if (executionId !== undefined) checkIds(executionId)
  return withSource(options, 'read', context, async source => {
    const inputs: OpenInput[] = []
    for await (const input of source.listInputs(executionId)) inputs.push(input)
    const text = options.json ? `${stringifyJson(inputs)}\n` : inputs.map(input => `${describeInput(input)}\n`).join('')
    await stdout.write(text)
    if (!options.json && inputs.length === 0) await stderr.write('There are none\n')
  })
}

/** Answers a question; in a file that nobody writes the answer waits for `executions resume`. */
export async function answerInput(
  executionId: string,
  inputId: string,
  json: string | undefined,
  options: AnswerFlags,
  context: CommandContext,
): Promise<ExitCode> {
  checkIds(executionId)
  const answer = parseAnswer(json, options)
  return withSource(options, 'write', context, async source => {
    await source.answer(executionId, inputId, answer)
    const told = 'decline' in answer ? 'declined' : 'answered'
    await context.stderr.write(`Question ${toPlainLine(inputId)} is ${told}\n`)
  })
}

function parseAnswer(json: string | undefined, { decline }: AnswerFlags): GivenAnswer {
  if ((json === undefined) === (decline === undefined)) {
    throw new UsageError(`Expected the answer as JSON or --decline, got ${json === undefined ? 'neither' : 'both'}`)
  }
  if (json === undefined) return { decline: true }
  try {
    return { response: parseJson(json) }
  } catch {
    throw new UsageError('Expected the answer to be JSON, such as `true`, `5` or `\'"text"\'`')
  }
}

function describeInput({ executionId, inputId, kind, message, expiresAt }: OpenInput): string {
  const until = expiresAt === undefined ? '' : ` (until ${expiresAt})`
  const what = kind === 'approval' ? 'approve: ' : ''
  return toPlainLine(`${executionId} ${inputId}  ${what}${message}${until}`)
}
