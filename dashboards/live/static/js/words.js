// Which language the page speaks, and its messages. A language is one file in ../words and one line here.
import en from '../words/en.js';

const LANGUAGES = {
  en: async () => en,
};

// Browsers claim to know these languages and write their numbers in English: one is taken that writes them alike.
const NUMBERS_LIKE = { kk: 'ru', ky: 'ru', tg: 'ru', tk: 'ru', uz: 'ru' };

let words = en;
let plurals = new Intl.PluralRules('en');
let locale = 'en';

/** Take the reader's language if there is one like it, or the one that is asked for. Numbers follow the reader's locale. */
export async function chooseLanguage(asked) {
  const wanted = asked ? [asked] : [...(navigator.languages ?? [navigator.language])];
  locale = wanted.map((one) => NUMBERS_LIKE[one.split('-')[0]] ?? one).find((one) => Intl.NumberFormat.supportedLocalesOf(one).length > 0) ?? 'en';
  const spoken = wanted.map((one) => one.split('-')[0]).find((one) => one in LANGUAGES) ?? 'en';
  words = await LANGUAGES[spoken]();
  plurals = new Intl.PluralRules(spoken);
  document.documentElement.lang = spoken;
}

export const readersLocale = () => locale;

export const has = (key) => key in words || key in en;

/** The message, with {names} put in; a message with plural forms takes the one for `n`. */
export function say(key, values = {}) {
  let text = words[key] ?? en[key] ?? key;
  if (typeof text === 'object') text = text[plurals.select(values.n)] ?? text.other;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(values[name] ?? ''));
}
