/** The version of Toxiproxy whose API this is: apart, as the command says it without loading an API. */
export const API_VERSION = "2.12.0";
