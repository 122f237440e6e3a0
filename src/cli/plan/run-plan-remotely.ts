import { pickSse, type RunOptions } from '../commands/run-options.ts'
import { canAsk } from '../input/question-prompts.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { reportEnd } from '../render/run-report.ts'
import { renderUsage } from '../render/summary.ts'
import { follow, type Followed, type FollowedExecution } from '../target/follow.ts'
import { RemoteSession } from '../target/remote-session.ts'
import type { Viewer } from '../render/viewer.ts'
import { type PlanInput, reportBreak } from './plan-input.ts'
import { describeHead, withHead } from './plan-options-line.ts'

/** Sends a plan to a server while it is written, and follows its execution with the output of `run`. @throws as `RemoteSession` */
export async function runPlanRemotely(
  input: PlanInput,
  options: RunOptions & { readonly server: string },
  context: CommandContext,
): Promise<ExitCode> {
  const { process, stderr } = context
  const session = new RemoteSession(options)
  let followed: Followed
  try {
    const begin = (viewer: Viewer): FollowedExecution => {
      const source = withHead(input, describeHead(options), () => {
        void viewer.say('The flags are sent as a first line: the server counts the lines of the plan from 2')
      })
      return session.startPlan(source, process, viewer)
    }
    const isAttended = canAsk(process) && !input.isStandardInput
    followed = await follow({ ...pickSse(options), isAttended, begin }, context)
  } catch (error) {
    if (session.tokenUsage !== undefined) await stderr.write(`${renderUsage(session.tokenUsage)}\n`)
    if (error !== input.failure) await reportBreak(input, context)
    return session.endAfter(error, context)
  }
  const code = await reportEnd(followed, options, context)
  await reportBreak(input, context)
  return code
}
