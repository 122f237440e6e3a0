import { type Command, Option } from 'commander'
import { parseField, parseObjectOption } from '../input/option-values.ts'
import type { CommandContext, ExitCode } from '../process/console.ts'
import { serverOption, tokenOption } from './program-options.ts'

/** Adds the command `chat`. @param setCode receives its exit code */
export function addChatCommand(program: Command, context: CommandContext, setCode: (code: ExitCode) => void): void {
  program
    .command('chat')
    .description('Ask a language model')
    .argument('<prompt>', 'the message to the model')
    .option('--model <model>', "the name of the model at its endpoint (default: the mode's, else the provider's)")
    .option('--mode <mode>', 'a preset: code, ask, debug, or one of `modes` in dagstream.config.json')
    .option(
      '--omit <field>',
      'a field of the request that is not sent, as the endpoint names it (repeatable)',
      parseField,
    )
    .addOption(new Option('--extra <json>', 'further fields of the request, an object').argParser(parseObjectOption))
    .addOption(serverOption('run it on this server instead'))
    .addOption(tokenOption())
    .option('--stream', 'print the answer while it is written (default where stdout is a terminal)')
    .option('--no-stream', 'print the answer once it is complete')
    .option('--verbose', 'print model, speed, attempts and retries')
    .option('--hide-token-usage', 'do not print token usage and cost')
    .action(async (prompt, options) => {
      const { chatCommand } = await import('./chat-command.ts')
      setCode(await chatCommand(prompt, options, context))
    })
}
