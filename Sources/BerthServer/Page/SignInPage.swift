/// Where one signs in with a token.
struct SignInPage {
    let assets: PageAssets
    var hasFailed = false

    var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        \(assets.head("Sign in", script: "sign-in.js"))
        <body class="sign-in">
        <main>
        <h1>Berth</h1>
        <p>Who has which test environment, until when, and what changes on it.</p>
        <form method="post" action="/sign-in">
        <label for="token">Your token</label>
        <input id="token" name="token" type="password" autocomplete="current-password" required\
        \(hasFailed ? " aria-describedby=\"fault\" aria-invalid=\"true\"" : "")>
        \(hasFailed ? "<p id=\"fault\" class=\"fault\" role=\"alert\">Nobody has this token. Whoever runs Berth makes one with <code>berth token create</code>.</p>" : "")
        <button type="submit">Sign in</button>
        </form>
        </main>
        </body>
        </html>

        """
    }
}
