import { type Command, Option } from 'commander'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { inputOption, mcpOption, toolsOption, workflowsOption } from './program-options.ts'

/** Adds the commands about workflows that run none. @param ended receives the exit code */
export function addWorkflowCommands(program: Command, context: CommandContext, ended: (code: ExitCode) => void): void {
  program
    .command('validate')
    .description('Check a workflow without running it')
    .argument('<file>', 'the workflow as JSON, the name of a registered one, or - for standard input')
    .addOption(inputOption())
    .addOption(toolsOption())
    .addOption(mcpOption())
    .addOption(workflowsOption())
    .option('--json', 'print {valid, issues, issueCount} on stdout')
    .action(async (file, options) => {
      const { validateCommand } = await import('./validate-command.ts')
      ended(await validateCommand(file, options, context))
    })
  program
    .command('graph')
    .description('Draw a workflow as text')
    .argument('<file>', 'the workflow as JSON, the name of a registered one, or - for standard input')
    .addOption(workflowsOption())
    .addOption(
      new Option('--format <format>', 'the format of the drawing').choices(['mermaid', 'dot']).default('mermaid'),
    )
    .action(async (file, options) => {
      const { graphCommand } = await import('./graph-command.ts')
      ended(await graphCommand(file, options, context))
    })
  program
    .command('tools')
    .description('List the tools that a workflow can name')
    .addOption(toolsOption())
    .addOption(mcpOption())
    .option('--json', 'print them as JSON, with their schemas')
    .action(async options => {
      const { toolsCommand } = await import('./tools-command.ts')
      ended(await toolsCommand(options, context))
    })
}
