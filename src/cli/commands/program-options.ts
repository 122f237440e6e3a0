import { Option } from 'commander'
import { parseAge, parseBytes, parseJsonOption, parsePositiveInteger, parseServerUrl } from '../input/option-values.ts'

/** Options shared by several commands. */
export function toolsOption(): Option {
  return new Option('--tools <module>', 'a module whose default export is tools (path or package)')
}

export function mcpOption(): Option {
  return new Option('--mcp <config>', 'a JSON file with mcpServers (default: dagstream.config.json, if present)')
}

export function workflowsOption(): Option {
  return new Option('--workflows <folder>', 'registered workflows: each NAME.json (default: that of the configuration)')
}

export function pageOption(): Option {
  const description = 'serve a page of this execution on loopback while it runs'
  return new Option('--page', description).conflicts(['server', 'store', 'dryRun'])
}

export function serverOption(description: string): Option {
  return new Option('--server <url>', description).argParser(parseServerUrl)
}

export function tokenOption(): Option {
  return new Option('--token <token>', "the server's token (default: $DAGSTREAM_TOKEN)")
}

export function resultOption(): Option {
  return new Option('--json', 'print the result, and nothing else, on stdout').conflicts('sse')
}

export function inputOption(): Option {
  return new Option('--input <json>', 'the value of $INPUT').argParser(parseJsonOption)
}

export function retainAgeOption(): Option {
  return new Option('--retain-age <age>', 'maximum age of ended executions, such as 12h or 30d').argParser(parseAge)
}

export function retainCountOption(): Option {
  return new Option('--retain-count <n>', 'maximum number of ended executions').argParser(parsePositiveInteger)
}

export function cacheAgeOption(): Option {
  const description = 'how long outputs are remembered for `cache`, such as 12h (default: 7d)'
  return new Option('--cache-age <age>', description).argParser(parseAge)
}

export function cacheBytesOption(): Option {
  const description = 'how much of them is, such as 64MiB (default: 256MiB)'
  return new Option('--cache-bytes <size>', description).argParser(parseBytes)
}

export function eagerOption(): Option {
  const description = 'the tools that start before the plan is complete (default: "read-only")'
  return new Option('--eager <tools>', description).choices(['read-only', 'all'])
}

export function onPlanErrorOption(): Option {
  const description = 'a refused line ends the plan, or is left out (default: "fail")'
  return new Option('--on-plan-error <policy>', description).choices(['fail', 'skip'])
}

export function onPlanBreakOption(): Option {
  const description = 'a plan that breaks off is cancelled, or complete (default: "cancel")'
  return new Option('--on-plan-break <policy>', description).choices(['cancel', 'seal'])
}

export function ndjsonOption(): Option {
  const description = 'the workflow is a plan, one task a line, and runs while it is written'
  return new Option('--ndjson', description).conflicts(['dryRun', 'outputs', 'from', 'page', 'priority'])
}
