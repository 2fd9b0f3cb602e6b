"""Domains that give mailboxes to anybody, so that sharing one says nothing about sharing an employer."""

from __future__ import annotations

# Providers that use one name under many country endings (yahoo.co.uk, hotmail.fr, …).
FREE_MAIL_FAMILIES = frozenset(["yahoo", "hotmail", "outlook", "live", "msn", "gmx", "yandex", "ymail", "rocketmail"])

_DOMAINS = """
    gmail.com googlemail.com icloud.com me.com mac.com passport.com windowslive.com
    aol.com aol.co.uk aol.de aol.fr aim.com netscape.net verizon.net
    proton.me protonmail.com protonmail.ch pm.me tutanota.com tutanota.de tuta.com tuta.io tutamail.com
    keemail.me fastmail.com fastmail.fm hey.com hushmail.com mailfence.com posteo.de posteo.net mailbox.org
    disroot.org startmail.com runbox.com zoho.com zohomail.com zohomail.eu mail.com email.com usa.com
    consultant.com web.de t-online.de freenet.de arcor.de online.de 1und1.de vodafone.de kabelmail.de
    unitybox.de magenta.de aon.at chello.at bluewin.ch hispeed.ch sunrise.ch
    orange.fr wanadoo.fr free.fr sfr.fr laposte.net neuf.fr bbox.fr aliceadsl.fr numericable.fr
    libero.it virgilio.it tiscali.it alice.it tin.it tim.it fastwebnet.it inwind.it iol.it
    terra.es telefonica.net ono.com sapo.pt telenet.be skynet.be proximus.be
    ziggo.nl kpnmail.nl planet.nl xs4all.nl hetnet.nl home.nl casema.nl upcmail.nl
    btinternet.com btopenworld.com virginmedia.com ntlworld.com sky.com talktalk.net blueyonder.co.uk
    eircom.net mail.dk online.no telia.com bredband.net comhem.se spray.se
    wp.pl o2.pl onet.pl op.pl interia.pl interia.eu poczta.onet.pl tlen.pl gazeta.pl
    seznam.cz email.cz centrum.cz post.cz azet.sk centrum.sk zoznam.sk freemail.hu citromail.hu indamail.hu
    abv.bg mail.bg mail.ru inbox.ru list.ru bk.ru rambler.ru ya.ru ukr.net i.ua meta.ua inbox.lv
    comcast.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com optonline.net
    frontier.com windstream.net rogers.com shaw.ca sympatico.ca telus.net videotron.ca bell.net
    uol.com.br bol.com.br terra.com.br ig.com.br globo.com r7.com
    qq.com foxmail.com 163.com 126.com yeah.net sina.com sina.cn sohu.com 139.com 189.cn aliyun.com
    naver.com daum.net hanmail.net nate.com docomo.ne.jp ezweb.ne.jp softbank.ne.jp nifty.com
    rediffmail.com indiatimes.com bigpond.com bigpond.net.au optusnet.com.au iinet.net.au xtra.co.nz
    walla.co.il walla.com mynet.com
    mailinator.com guerrillamail.com 10minutemail.com yopmail.com temp-mail.org trashmail.com sharklasers.com
"""

FREE_MAIL_DOMAINS = frozenset(_DOMAINS.split())
