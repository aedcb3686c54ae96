// Numerics: the one table of numbered replies, each with its name, number and the shape of its text.
//
// Shapes are those of RFC 2812 section 5 and of modern.ircdocs.horse where that is newer (005, 410,
// 417, 696); 900 to 908 are those of IRCv3 (SASL). `<word>` is one parameter, `<words...>` is several, and
// whatever follows the colon is text. Before the shape every numeric has the server's name, its number and the client's nickname (`*` while
// it has none): `:hubbub.local 403 alice #none :No such channel`.

import { wireLine } from './framing.ts'

export const NUMERICS = {
  RPL_WELCOME: ['001', ':Welcome to hubbub, <source>'],
  RPL_YOURHOST: ['002', ':Your host is <server>, running version <version>'],
  RPL_CREATED: ['003', ':This server was created <date>'],
  RPL_MYINFO: ['004', '<server> <version> <user modes> <channel modes> <modes with a parameter>'],
  RPL_ISUPPORT: ['005', '<tokens...> :are supported by this server'],
  RPL_UMODEIS: ['221', '<modes>'],
  RPL_ENDOFWHO: ['315', '<mask> :End of WHO list'],
  RPL_WHOISUSER: ['311', '<nick> <user> <host> * :<real name>'],
  RPL_WHOISSERVER: ['312', '<nick> <server> :<version>'],
  RPL_WHOISIDLE: ['317', '<nick> <idle s> <signed on s> :seconds idle, signon time'],
  RPL_ENDOFWHOIS: ['318', '<nick> :End of WHOIS list'],
  RPL_WHOISCHANNELS: ['319', '<nick> :<channels>'],
  RPL_LISTSTART: ['321', 'Channel :Users Name'],
  RPL_LIST: ['322', '<channel> <members> :<topic>'],
  RPL_LISTEND: ['323', ':End of LIST'],
  RPL_CHANNELMODEIS: ['324', '<channel> <modes...>'],
  RPL_CREATIONTIME: ['329', '<channel> <created s>'],
  RPL_WHOISACCOUNT: ['330', '<nick> <account> :is logged in as'],
  RPL_NOTOPIC: ['331', '<channel> :No topic is set'],
  RPL_TOPIC: ['332', '<channel> :<topic>'],
  RPL_TOPICWHOTIME: ['333', '<channel> <source> <set s>'],
  RPL_VERSION: ['351', '<version> <server> :<comment>'],
  RPL_WHOREPLY: ['352', '<channel> <user> <host> <server> <nick> <flags> :0 <real name>'],
  RPL_NAMREPLY: ['353', '<symbol> <channel> :<nicks>'],
  RPL_ENDOFNAMES: ['366', '<channel> :End of NAMES list'],
  RPL_ENDOFBANLIST: ['368', '<channel> :End of channel ban list'],
  RPL_MOTD: ['372', ':- <line>'],
  RPL_MOTDSTART: ['375', ':- <server> Message of the day -'],
  RPL_ENDOFMOTD: ['376', ':End of MOTD command'],
  RPL_TIME: ['391', '<server> :<time>'],
  ERR_UNKNOWNERROR: ['400', '<command> :<what is wrong>'],
  ERR_NOSUCHNICK: ['401', '<nick> :No such nick/channel'],
  ERR_NOSUCHCHANNEL: ['403', '<channel> :No such channel'],
  ERR_CANNOTSENDTOCHAN: ['404', '<channel> :Cannot send to channel'],
  ERR_TOOMANYCHANNELS: ['405', '<channel> :You have joined too many channels'],
  ERR_TOOMANYTARGETS: ['407', '<command> :Too many targets'],
  ERR_NOORIGIN: ['409', ':No origin specified'],
  ERR_INVALIDCAPCMD: ['410', '<subcommand> :Invalid CAP command'],
  ERR_NORECIPIENT: ['411', ':No recipient given (<command>)'],
  ERR_NOTEXTTOSEND: ['412', ':No text to send'],
  ERR_TOOMANYMATCHES: ['416', '<command> :Too many matches'],
  ERR_INPUTTOOLONG: ['417', ':Input line was too long'],
  ERR_UNKNOWNCOMMAND: ['421', '<command> :Unknown command'],
  ERR_NOMOTD: ['422', ':MOTD File is missing'],
  ERR_NONICKNAMEGIVEN: ['431', ':No nickname given'],
  ERR_ERRONEUSNICKNAME: ['432', '<nick> :Erroneous nickname'],
  ERR_NICKNAMEINUSE: ['433', '<nick> :Nickname is already in use'],
  ERR_USERNOTINCHANNEL: ['441', "<nick> <channel> :They aren't on that channel"],
  ERR_NOTONCHANNEL: ['442', "<channel> :You're not on that channel"],
  ERR_NOTREGISTERED: ['451', ':You have not registered'],
  ERR_NEEDMOREPARAMS: ['461', '<command> :Not enough parameters'],
  ERR_ALREADYREGISTERED: ['462', ':You may not reregister'],
  ERR_PASSWDMISMATCH: ['464', ':Password incorrect'],
  ERR_UNKNOWNMODE: ['472', '<mode> :is unknown mode char to me'],
  ERR_BADCHANNELKEY: ['475', '<channel> :Cannot join channel (+k)'],
  ERR_CHANOPRIVSNEEDED: ['482', "<channel> :You're not channel operator"],
  ERR_UMODEUNKNOWNFLAG: ['501', ':Unknown MODE flag'],
  ERR_USERSDONTMATCH: ['502', ':Cannot change mode for other users'],
  ERR_INVALIDMODEPARAM: ['696', '<channel> <mode> <parameter> :Invalid parameter'],
  RPL_LOGGEDIN: ['900', '<source> <account> :You are now logged in as <name>'],
  RPL_SASLSUCCESS: ['903', ':SASL authentication successful'],
  ERR_SASLFAIL: ['904', ':SASL authentication failed<why>'],
  ERR_SASLTOOLONG: ['905', ':SASL message too long'],
  ERR_SASLABORTED: ['906', ':SASL authentication aborted'],
  ERR_SASLALREADY: ['907', ':You have already authenticated using SASL'],
  RPL_SASLMECHS: ['908', '<mechanisms> :are available SASL mechanisms'],
} as const

export type NumericName = keyof typeof NUMERICS

type Blanks<Shape extends string> = Shape extends `${string}<${string}>${infer Rest}`
  ? [value: string, ...Blanks<Rest>]
  : []

/** One string for each `<...>` in the shape of the numeric, in their order. */
export type NumericValues<Name extends NumericName> = Blanks<(typeof NUMERICS)[Name][1]>

/** A shape taken apart: text, blank, text, blank, ... text. */
interface Compiled {
  readonly code: string
  readonly texts: readonly string[]
  readonly isWord: readonly boolean[]
}

const COMPILED: ReadonlyMap<string, Compiled> = new Map(
  Object.entries(NUMERICS).map(([name, [code, shape]]) => [name, compile(code, shape)]),
)

/** A numeric as a line on the wire, to a client called `nick`. */
export function formatNumeric<Name extends NumericName>(
  serverName: string,
  nick: string,
  name: Name,
  ...values: NumericValues<Name>
): string {
  const { code, texts, isWord } = COMPILED.get(name) as Compiled
  let line = `:${serverName} ${code} ${nick} ${texts[0]}`
  for (let i = 0; i < isWord.length; i++) {
    const value = (values as readonly string[])[i] as string
    line += (isWord[i] ? asWord(value) : value) + (texts[i + 1] as string)
  }
  return wireLine(line)
}

function compile(code: string, shape: string): Compiled {
  // split() with a group gives texts and the names of the blanks in turn.
  const parts = shape.split(/<([^>]+)>/)
  const blanks = parts.filter((_, index) => index % 2 === 1)
  let isTrailing = shape.startsWith(':')
  const isWord = blanks.map((blank, index) => {
    isTrailing ||= (parts[2 * index] as string).includes(' :')
    return !isTrailing && !blank.endsWith('...')
  })
  return { code, texts: parts.filter((_, index) => index % 2 === 0), isWord }
}

/**
 * A value, often what a client sent, where the shape has one word. Were it empty, or were there a space
 * in it or a colon at its beginning, it would move every parameter after it.
 */
function asWord(value: string): string {
  const end = value.indexOf(' ')
  const word = end === -1 ? value : value.slice(0, end)
  return word === '' || word.startsWith(':') ? '*' : word
}
