import { type Command, Option } from 'commander'
import { DEFAULT_PORT } from '../../http/node/serve-bounds.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { mcpOption, serverOption, toolsOption, workflowsOption } from './program-options.ts'

/** Adds the commands that show something and run nothing. @param ended receives the exit code */
export function addViewingCommands(program: Command, context: CommandContext, ended: (code: ExitCode) => void): void {
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
  program
    .command('open')
    .description('Open the page of an execution in the browser')
    .argument('[id]', 'the id of the execution (default: the list of all)')
    .addOption(serverOption('the server').default(`http://127.0.0.1:${DEFAULT_PORT}`))
    .option('--print', 'print the address and open nothing')
    .action(async (id, options) => {
      const { openCommand } = await import('../page/open-command.ts')
      ended(await openCommand(id, options, context))
    })
  program
    .command('view')
    .description('Write an exported execution as one page that replays it without a server')
    .argument('<file>', 'the lines of `executions export`, or - for standard input')
    .option('-o, --output <file>', 'where to write the page (default: standard output)')
    .action(async (file, options) => {
      const { viewCommand } = await import('../page/view-command.ts')
      ended(await viewCommand(file, options, context))
    })
}
