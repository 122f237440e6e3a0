import { type Command, Option } from 'commander'
import { parseAmount, parsePositiveInteger } from '../../input/option-values.ts'
import type { CommandContext, ExitCode } from '../../process/console.ts'
import { LOG_LEVELS } from '../../process/server-log.ts'
import { mcpOption, toolsOption, workflowsOption } from '../program-options.ts'

/** Adds `mcp`. @param ended receives the exit code */
export function addMcpCommand(program: Command, context: CommandContext, ended: (code: ExitCode) => void): void {
  program
    .command('mcp')
    .description('Serve workflows as tools of MCP, over standard input and output')
    .addOption(toolsOption())
    .addOption(mcpOption())
    .addOption(workflowsOption())
    .option('--store <file>', 'the file of the store, or memory (default: "memory")')
    .option('--timeout <ms>', 'timeout of an execution', parsePositiveInteger)
    .option('--concurrency <n>', 'maximum number of concurrent tasks of an execution', parsePositiveInteger)
    .option('--max-executions <n>', 'maximum number of concurrent executions', parsePositiveInteger)
    .option('--max-tokens <n>', 'budget of input and output tokens of an execution', parsePositiveInteger)
    .option('--max-cost <usd>', 'budget of an execution in US dollars', parseAmount)
    .addOption(new Option('--log-level <level>', 'minimum level of log lines').choices(LOG_LEVELS).default('warn'))
    .action(async options => {
      const { mcpCommand } = await import('./mcp-command.ts')
      ended(await mcpCommand(options, context))
    })
}
