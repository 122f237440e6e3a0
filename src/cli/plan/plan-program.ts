import type { Command } from 'commander'
import { eagerOption, mcpOption, resultOption, toolsOption } from '../commands/program-options.ts'
import { parseCount, parsePositiveInteger } from '../input/option-values.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'

/** Adds the command `plan`. @param setCode receives its exit code */
export function addPlanCommand(program: Command, context: CommandContext, setCode: (code: ExitCode) => void): void {
  program
    .command('plan')
    .description('Let a language model plan, and run its tasks while it writes them')
    .argument('<prompt>', 'what the plan is for')
    .option('--model <model>', "the name of the model at its endpoint (default: the provider's)")
    .addOption(toolsOption())
    .addOption(mcpOption())
    .option('--repairs <n>', 'how often refused tasks go back to the model, 0 to 10 (default: 2)', parseCount)
    .option(
      '--max-prompt-tokens <n>',
      'budget of the prompt, tokens of three bytes (default: 16000)',
      parsePositiveInteger,
    )
    .addOption(eagerOption())
    .option('--concurrency <n>', 'maximum number of concurrent tasks', parsePositiveInteger)
    .option('--dry-run', 'print the tasks, one per line, and run nothing')
    .addOption(resultOption())
    .option('--sse', 'print the events as Server-Sent Events on stdout')
    .action(async (prompt, options) => {
      const { planCommand } = await import('./plan-command.ts')
      setCode(await planCommand(prompt, options, context))
    })
}
