"""One request by urllib or requests: prints status and length, or the error. Arguments: way, URL, seconds, certificate or empty."""
import ssl
import sys
import urllib.request

way, url, seconds, certificate = sys.argv[1:5]


def by_urllib():
    context = ssl.create_default_context()
    if certificate:
        context.load_cert_chain(certificate)
    with urllib.request.urlopen(url, timeout=float(seconds), context=context) as response:
        return response.status, len(response.read())


def by_requests():
    import requests

    response = requests.get(url, timeout=float(seconds), cert=certificate or None)
    return response.status_code, len(response.content)


def innermost(error):
    """What is wrapped in urllib's and urllib3's errors."""
    seen = error
    while True:
        inner = getattr(seen, "reason", None)
        if not isinstance(inner, BaseException):
            inner = next((part for part in seen.args if isinstance(part, BaseException)), None)
        if inner is None:
            return seen
        seen = inner


try:
    print("%d, %d B" % (by_urllib() if way == "urllib" else by_requests()))
except Exception as error:
    inner = innermost(error)
    text = str(inner) or type(inner).__name__
    print("%s: %s" % (type(error).__name__, text))
