<#
.SYNOPSIS
Installs awslambdaproxy for this user on Windows, without administrator's rights.

.DESCRIPTION
    irm https://github.com/awslambdaproxy/awslambdaproxy/releases/latest/download/install.ps1 | iex

Everything is in one function that the last line calls: a download that was cut off runs nothing.

.PARAMETER Version
This release instead of the latest.
.PARAMETER Prefix
The folder of the program, instead of one in the user's own programs.
.PARAMETER BaseUrl
Where releases are, instead of GitHub; plain http only to a loopback address (or AWSLAMBDAPROXY_BASE_URL).
.PARAMETER Uninstall
Remove what this installer put there.
.PARAMETER Purge
With -Uninstall: configuration and state too.
#>
[CmdletBinding()]
param(
    [string]$Version = "",
    [string]$Prefix = "",
    [string]$BaseUrl = "",
    [switch]$Uninstall,
    [switch]$Purge
)

function Install-AwsLambdaProxy {
    param([string]$Version, [string]$Prefix, [string]$BaseUrl, [switch]$Uninstall, [switch]$Purge)
    # Changes the list of folders that is the user's Path, and says whether it was another before. What the list names by
    # variables stays so: .NET's own way would write what they stand for now.
    function Edit-UserPath {
        param([scriptblock]$Change)
        $key = [Microsoft.Win32.Registry]::CurrentUser.OpenSubKey("Environment", $true)
        try {
            $before = [string]$key.GetValue("Path", "", [Microsoft.Win32.RegistryValueOptions]::DoNotExpandEnvironmentNames)
            $folders = @($before -split ";" | Where-Object { $_ })
            $after = @(& $Change $folders) -join ";"
            if ($after -eq ($folders -join ";")) { return $false }
            $key.SetValue("Path", $after, [Microsoft.Win32.RegistryValueKind]::ExpandString)
        } finally {
            $key.Close()
        }
        # Removing a variable that is not there tells the windows that are open to look again.
        [Environment]::SetEnvironmentVariable("AWSLAMBDAPROXY_INSTALLED", $null, "User")
        return $true
    }

    # What installs left beside the program: those that it replaced, which may still run, and one that did not come into its place.
    function Get-Leftover {
        Get-ChildItem $Prefix -ErrorAction SilentlyContinue | Where-Object {
            $_.Name -match '^awslambdaproxy\.(exe(\.[0-9]+)?\.old|new\.exe)$'
        } | ForEach-Object { $_.FullName }
    }

    Set-StrictMode -Version 3
    $ErrorActionPreference = "Stop"
    $ProgressPreference = "SilentlyContinue"

    # Filled in when a release is made; the Base64 of the public key that signs releases.
    $ReleaseKey = ""
    if ($env:AWSLAMBDAPROXY_RELEASE_KEY) { $ReleaseKey = $env:AWSLAMBDAPROXY_RELEASE_KEY }
    if (-not $BaseUrl) { $BaseUrl = $env:AWSLAMBDAPROXY_BASE_URL }
    if (-not $BaseUrl) { $BaseUrl = "https://github.com/awslambdaproxy/awslambdaproxy/releases" }
    if (-not $Prefix) { $Prefix = Join-Path $env:LOCALAPPDATA "Programs\awslambdaproxy" }
    $program = Join-Path $Prefix "awslambdaproxy.exe"

    if ($Purge -and -not $Uninstall) { throw "-Purge goes with -Uninstall" }
    if ($Uninstall) {
        # Only what the program noted tells where it has made something in AWS.
        $noted = Join-Path $env:LOCALAPPDATA "awslambdaproxy\data\deployments.json"
        if ($Purge -and (Test-Path $noted) -and (Get-Content -Raw $noted) -match '"deployments":\s*\[\s*\{') {
            throw "functions of yours are still in AWS; run ``awslambdaproxy destroy`` first"
        }
        if (Test-Path $program) {
            # What the program set up in the system is its own to take back. What it says on the way is no error to stop at.
            $ErrorActionPreference = "Continue"
            foreach ($words in @(@("proxy", "off"), @("service", "uninstall"))) {
                & $program @words 2>$null | Out-Null
                if ($LASTEXITCODE -ne 0) { throw "nothing was removed: ``awslambdaproxy $words`` failed; see what it says" }
            }
            $ErrorActionPreference = "Stop"
        }
        $files = @(Get-Leftover) + @($program | Where-Object { Test-Path $_ })
        if ($files) {
            foreach ($file in $files) {
                try { Remove-Item $file } catch { throw "cannot remove ${file}: end it where it runs, and try again ($_)" }
            }
            Remove-Item -ErrorAction SilentlyContinue (Join-Path $Prefix "_awslambdaproxy.ps1")
            if (-not (Get-ChildItem $Prefix)) { Remove-Item $Prefix }
            Write-Host "removed awslambdaproxy from $Prefix"
        } else {
            Write-Host "awslambdaproxy is not in $Prefix"
        }
        Edit-UserPath { param($folders) $folders | Where-Object { $_ -ne $Prefix } } | Out-Null
        if ($Purge) {
            foreach ($folder in @((Join-Path $env:APPDATA "awslambdaproxy"), (Join-Path $env:LOCALAPPDATA "awslambdaproxy"))) {
                if (Test-Path $folder) { Remove-Item -Recurse -Force $folder }
            }
            Write-Host "removed the configuration and state of awslambdaproxy"
        }
        return
    }

    if (-not $ReleaseKey) { throw "this copy of install.ps1 belongs to no release, so it trusts no key; take it from a release" }
    if ($BaseUrl -notmatch '^https://' -and -not ($BaseUrl -match '^http://' -and ([uri]$BaseUrl).IsLoopback)) {
        throw "-BaseUrl is https://...; plain http only to a loopback address"
    }
    if (-not [Environment]::Is64BitOperatingSystem) { throw "there is no release for 32-bit Windows" }
    # Windows on ARM runs programs of x86_64.
    $target = "x86_64-pc-windows-msvc"
    $from = if ($Version) { "$BaseUrl/download/v$($Version.TrimStart('v'))" } else { "$BaseUrl/latest/download" }
    # That of OpenSSH before 8.1 (Windows 10 1809) takes -Y for an unknown option, and its failure would be called a forgery.
    $keygen = Get-Command ssh-keygen -All -CommandType Application -ErrorAction SilentlyContinue | Where-Object {
        (cmd /c "`"$($_.Source)`" -? 2>&1" | Out-String).Contains("ssh-keygen -Y verify ")
    } | Select-Object -First 1
    if (-not $keygen) {
        throw "no tool to verify the release's signature: add Windows' optional feature OpenSSH Client, or where that is older " +
            "than OpenSSH 8.1, another with its ssh-keygen on the Path, such as that of Git for Windows"
    }

    $work = Join-Path ([IO.Path]::GetTempPath()) ([IO.Path]::GetRandomFileName())
    New-Item -ItemType Directory $work | Out-Null
    try {
        foreach ($name in @("SHA256SUMS", "SHA256SUMS.sshsig")) {
            Invoke-WebRequest -UseBasicParsing "$from/$name" -OutFile (Join-Path $work $name)
        }
        # The key as OpenSSH writes it: its kind and its 32 bytes, each after their length.
        $raw = [Convert]::FromBase64String($ReleaseKey)[12..43]
        $blob = [byte[]](0, 0, 0, 11) + [Text.Encoding]::ASCII.GetBytes("ssh-ed25519") + [byte[]](0, 0, 0, 32) + [byte[]]$raw
        $signers = Join-Path $work "signers"
        [IO.File]::WriteAllText($signers, "release ssh-ed25519 $([Convert]::ToBase64String($blob))`n")
        $sums = Join-Path $work "SHA256SUMS"
        # A pipe of PowerShell would change the line ends.
        cmd /c "`"$($keygen.Source)`" -Y verify -f `"$signers`" -I release -n awslambdaproxy-release -s `"$sums.sshsig`" < `"$sums`"" | Out-Null
        if ($LASTEXITCODE -ne 0) {
            throw "SHA256SUMS of $BaseUrl is not signed with the release key, so somebody may have tampered with it; nothing was installed"
        }
        $pattern = "^([0-9a-f]{64}) [ *](awslambdaproxy-([0-9][^ ]*)-$target\.tar\.gz)$"
        $line = @(Get-Content $sums | Where-Object { $_ -match $pattern })
        if ($line.Count -ne 1) { throw "the release at $BaseUrl has no awslambdaproxy for $target" }
        $line[0] -match $pattern | Out-Null
        $sum, $archive, $found = $Matches[1], $Matches[2], $Matches[3]
        if ($Version -and $Version.TrimStart('v') -ne $found) { throw "$BaseUrl answers version $found instead of $Version" }
        Write-Host "fetching $archive"
        $file = Join-Path $work $archive
        Invoke-WebRequest -UseBasicParsing "$from/$archive" -OutFile $file
        if ((Get-FileHash -Algorithm SHA256 $file).Hash -ne $sum) {
            throw "$archive is not what its release signed: it was cut off or changed on its way; nothing was installed"
        }
        tar -xzf $file -C $work
        if ($LASTEXITCODE -ne 0) { throw "cannot unpack $archive" }
        $stem = Join-Path $work ($archive -replace '\.tar\.gz$', '')
        New-Item -ItemType Directory -Force $Prefix | Out-Null
        # PowerShell runs what is called .exe only.
        $new = Join-Path $Prefix "awslambdaproxy.new.exe"
        # One that runs can get another name, and be neither removed nor written over.
        Get-Leftover | ForEach-Object { Remove-Item -ErrorAction SilentlyContinue $_ }
        $old = "$program.old"
        for ($number = 1; Test-Path $old; $number++) { $old = "$program.$number.old" }
        $is_moved = $false
        try {
            Copy-Item (Join-Path $stem "awslambdaproxy.exe") $new
            & $new --version | Out-Null
            if ($LASTEXITCODE -ne 0) { throw "awslambdaproxy $found does not run on this machine" }
            if (Test-Path $program) {
                Move-Item $program $old
                $is_moved = $true
            }
            Move-Item $new $program
        } catch {
            $reason = $_
            Remove-Item -ErrorAction SilentlyContinue $new
            if ($is_moved) {
                try { Move-Item $old $program } catch { throw "awslambdaproxy was not installed ($reason), and what was there is $old now ($_)" }
            }
            throw "awslambdaproxy was not installed, and what was there is as it was: $reason"
        }
        # One that runs stays until the next install.
        Remove-Item -ErrorAction SilentlyContinue $old
        Copy-Item (Join-Path $stem "completions\_awslambdaproxy.ps1") $Prefix
    } finally {
        Remove-Item -Recurse -Force $work
    }
    Write-Host "installed awslambdaproxy $found in $Prefix"
    if (Edit-UserPath { param($folders) if ($folders -contains $Prefix) { $folders } else { @($folders) + $Prefix } }) {
        Write-Host "$Prefix is on your Path in new windows"
    }
    Write-Host "completions:  add to your `$PROFILE  . '$Prefix\_awslambdaproxy.ps1'"
    Write-Host "next:  awslambdaproxy init, or without an account:  awslambdaproxy run --local"
}

Install-AwsLambdaProxy -Version $Version -Prefix $Prefix -BaseUrl $BaseUrl -Uninstall:$Uninstall -Purge:$Purge
